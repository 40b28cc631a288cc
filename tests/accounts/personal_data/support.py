"""A person with something of everything, and a copy of it."""

import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

from axes.models import AccessAttempt

from accounts.models import (
    ConsentRecord,
    DataExport,
    ExternalIdentity,
    LinkAttempt,
    LoginAttempt,
    SignIn,
    User,
    Verification,
)
from accounts.services import data_exports, export_files
from chargepoints.models import Command, Favourite
from csms.common import audit
from notifications.models import NotificationPreference
from notifications.services import devices
from tests.support.factories import (
    make_id_token,
    make_payment_method,
    make_session,
    make_station,
    make_tax_invoice_profile,
    make_vehicle,
)
from transactions.models import CostLine, Reading, Reservation, Session, SessionEvent

NOW = datetime(2026, 11, 30, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def make_reservation(driver: User, **fields: Any) -> Reservation:
    station = make_station()
    command = Command.objects.create(
        station=station,
        name="reserve",
        actor=driver,
        actor_label=driver.audit_label,
        requested_at=NOW,
        expires_at=NOW,
    )
    values = {"state": "EXPIRED", "created_at": NOW, "expires_at": NOW, "ended_at": NOW, **fields}
    return Reservation.objects.create(
        station=station,
        reservation_id=1,
        id_token=make_id_token(),
        driver=driver,
        command=command,
        **values,
    )


def make_everything(driver: User) -> Session:
    """One row of every kind that can be a driver's; texts that can be found again."""
    make_vehicle(driver, "1กข 4711")
    card = make_id_token("04AABBCCDDEE77", user=driver)
    ConsentRecord.objects.create(
        user=driver,
        purpose="MARKETING",
        decision="GIVEN",
        text_version="2026-11",
        channel="APP",
        remote_address="203.0.113.7",
        at=NOW,
    )
    LinkAttempt.objects.create(user=driver, address="203.0.113.7", at=NOW)
    LoginAttempt.objects.create(
        user=driver,
        username=driver.email or "",
        channel=next(iter(LoginAttempt.CHANNEL_NAMES)).value,
        outcome="NOT_ALLOWED",
        remote_address="203.0.113.7",
        at=NOW,
    )
    ExternalIdentity.objects.create(
        user=driver, provider="line", subject="line-subject-77", created_at=NOW, last_used_at=NOW
    )
    Verification.objects.create(
        user=driver,
        purpose="CHANGE_CONTACT",
        channel="EMAIL",
        address=driver.email or "",
        address_digest="x",
        network="203.0.113.7",
        language="th",
        requested_at=NOW,
        expires_at=NOW,
    )
    SignIn.objects.create(
        user=driver,
        password_mark="x",
        remote_address="203.0.113.7",
        created_at=NOW,
        expires_at=NOW + DAY,
    )
    AccessAttempt.objects.create(
        username=driver.email, ip_address="203.0.113.7", failures_since_start=1
    )
    session = make_session(driver, id_token=card, id_token_value=card.token)
    CostLine.objects.create(
        session=session,
        position=1,
        kind="ENERGY",
        name="=cmd|' /C calc'!A0",
        quantity=10,
        unit="kWh",
        unit_price="7.50",
        net="70.09",
        tax="4.91",
        gross="75.00",
        starts_at=NOW,
        ends_at=NOW,
    )
    SessionEvent.objects.create(
        session=session, at=NOW, kind="STARTED", detail={"id_tag": card.token}
    )
    Reading.objects.create(
        received_at=NOW,
        measured_at=NOW,
        station=session.station,
        connector=session.connector,
        session=session,
        energy_wh=1234,
    )
    make_reservation(driver)
    Favourite.objects.create(user=driver, station=session.station)
    make_payment_method(driver)
    make_tax_invoice_profile(driver, name="สมชาย ใจดี")
    NotificationPreference.objects.create(
        user=driver, topic="PROMOTION", way="PUSH", is_enabled=True
    )
    devices.register(driver, platform="IOS", token="t" * 32, name="My iPhone", app_version="1")
    audit.record(driver, "vehicle.create", driver, changes={"email": driver.email, "plain": 1})
    return session


def opened(export: DataExport) -> zipfile.ZipFile:
    return zipfile.ZipFile(export_files.path_of(export.file_name))


def exported(driver: User, django_capture_on_commit_callbacks: Any) -> DataExport:
    with django_capture_on_commit_callbacks(execute=True):
        requested = data_exports.request(driver)
    requested.refresh_from_db()
    return requested
