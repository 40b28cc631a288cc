"""The end of an account: what goes, what stays, and what stands in its way."""

from typing import Any

import pytest
from django.apps import apps

from accounts.models import (
    AccountDeletion,
    ConsentRecord,
    IdToken,
)
from accounts.services import closing, export_files
from accounts.services.closing import AccountInUse
from csms.common.errors import Conflict, Forbidden
from csms.common.idempotency import caller_key, run_once
from csms.common.models import AuditEntry, IdempotencyRecord
from tests.accounts.personal_data.support import NOW, exported, make_everything, make_reservation
from tests.support.factories import (
    connector_of,
    make_driver,
    make_session,
    make_staff,
    make_station,
    make_tariff,
)
from transactions.models import Reading, Reservation, Session

pytestmark = pytest.mark.django_db


def test_closing_leaves_nothing_that_names_the_person(
    django_capture_on_commit_callbacks: Any,
) -> None:
    driver = make_driver(
        "somchai@example.com",
        display_name="สมชาย ใจดี",
        phone="+66812345678",
    )
    session = make_everything(driver)
    exported(driver, django_capture_on_commit_callbacks)
    money = (session.total_gross, session.energy_wh)
    with django_capture_on_commit_callbacks(execute=True):
        report = closing.close_account(driver, at=NOW)
    traces = ("somchai", "สมชาย", "+6681", "203.0.113.7", "1กข", "My iPhone", "line-subject-77")
    for model in apps.get_models(include_auto_created=True):
        rows = str(list(model._default_manager.values()))
        found = [trace for trace in traces if trace in rows]
        assert not found, f"{model._meta.label} still says {found}"
    session.refresh_from_db()
    assert (session.total_gross, session.energy_wh) == money
    assert session.driver_id == driver.pk
    assert export_files.everything() == []
    card = IdToken.objects.get(token="04AABBCCDDEE77")
    assert (card.user, card.status) == (None, "BLOCKED")
    assert report.erased["vehicles"] == 1
    assert report.erased["favourites"] == 1
    kept = {one["kind"]: one for one in report.kept}
    assert kept["charging_sessions"]["count"] == 1
    assert "Revenue Code" in kept["charging_sessions"]["ground"]
    assert kept["charging_sessions"]["until"] == "2033-11-20"
    assert kept["consents"]["count"] == 2
    assert all(one["reason_th"] and one["reason_en"] for one in report.kept)
    assert [row.decision for row in ConsentRecord.objects.order_by("at", "id")][-1] == "WITHDRAWN"
    entry = AuditEntry.objects.get(action="account.delete")
    assert (entry.actor_label, entry.object_id) == (f"user:{driver.pk}", str(driver.pk))
    assert AuditEntry.objects.get(action="vehicle.create").changes == {"plain": 1}


def test_answers_kept_for_repeated_requests_go_with_the_account() -> None:
    driver, other = make_driver(), make_driver()
    for person in (driver, other):
        run_once(
            caller=caller_key(person),
            route="POST /api/transactions/",
            key="k-1",
            body=b"{}",
            act=lambda: (201, {"site": "Where somebody charged"}),
        )
    report = closing.close_account(driver, at=NOW)
    assert report.erased["repeated_requests"] == 1
    assert IdempotencyRecord.objects.get().caller == caller_key(other)


def test_what_was_kept_is_what_is_there(django_capture_on_commit_callbacks: Any) -> None:
    driver = make_driver()
    make_everything(driver)
    report = closing.close_account(driver, at=NOW)
    kept = {one["kind"]: one["count"] for one in report.kept}
    assert kept["meter_readings"] == Reading.objects.count() == 1
    assert kept["reservations"] == Reservation.objects.count() == 1
    assert kept["charging_sessions"] == Session.objects.filter(driver=driver).count()
    assert kept["consents"] == ConsentRecord.objects.count()


@pytest.mark.parametrize("state", ["PENDING", "STARTING", "ACTIVE", "INTERRUPTED"])
def test_an_open_session_stands_in_the_way(state: str) -> None:
    driver = make_driver()
    station = make_station()
    Session.objects.create(
        driver=driver, station=station, connector=connector_of(station), state=state, started_at=NOW
    )
    with pytest.raises(AccountInUse) as refusal:
        closing.close_account(driver, at=NOW)
    assert [(e.code, e.detail[:1]) for e in refusal.value.errors] == [("sessions_open", "1")]
    driver.refresh_from_db()
    assert driver.is_active


UNPRICED = {"priced_at": None, "total_net": None, "total_tax": None, "total_gross": None}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (UNPRICED, True),
        ({**UNPRICED, "has_tariff": False}, False),
        ({**UNPRICED, "has_tariff": False, "is_held": True}, True),
        ({"is_held": True}, True),
        ({"is_held": True, "is_waived": True}, False),
        ({}, False),
    ],
)
def test_an_open_price_stands_in_the_way(fields: dict[str, Any], code: bool) -> None:
    driver, station = make_driver(), make_station()
    if fields.get("has_tariff", True):
        make_tariff(station.site.operator)
    values = {name: value for name, value in fields.items() if name != "has_tariff"}
    make_session(driver, station=station, **values)
    if not code:
        closing.close_account(driver, at=NOW)
        return
    with pytest.raises(AccountInUse) as refusal:
        closing.close_account(driver, at=NOW)
    assert [e.code for e in refusal.value.errors] == ["sessions_unsettled"]


def test_an_open_reservation_stands_in_the_way() -> None:
    driver = make_driver()
    make_reservation(driver, state="ACTIVE", ended_at=None)
    with pytest.raises(AccountInUse) as refusal:
        closing.close_account(driver, at=NOW)
    assert [e.code for e in refusal.value.errors] == ["reservations_open"]


def test_staff_are_not_closed_here_and_nobody_twice() -> None:
    with pytest.raises(Forbidden):
        closing.close_account(make_staff(), at=NOW)
    driver = make_driver()
    closing.close_account(driver, at=NOW)
    with pytest.raises(Conflict):
        closing.close_account(driver, at=NOW)
    assert AccountDeletion.objects.count() == 1


def test_the_same_address_may_register_again() -> None:
    first = make_driver("again@example.com", phone="+66812345678")
    closing.close_account(first, at=NOW)
    second = make_driver("again@example.com", phone="+66812345678")
    assert second.pk != first.pk
    closing.close_account(second, at=NOW)
