"""Sessions that drivers ask for: created, or refused."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import IdToken, User
from accounts.services.app_tokens import TOKEN_LENGTH, app_token_of
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Command, Connector, Station
from chargepoints.services import commands, effects
from csms.common.audit import SystemActor
from tests.support.factories import connector_of, make_driver, make_id_token
from tests.transactions import support
from tests.transactions.driver_sessions.support import refused
from tests.transactions.drivers import (
    Clock,
    create,
    start,
)
from tests.transactions.support import EVENING
from transactions.domain.states import ReservationState, SessionState
from transactions.models import Reservation, Session, SessionEvent, TariffVersion

pytestmark = pytest.mark.django_db


# --- Creating -----------------------------------------------------------------------------------
def test_a_session_waits_for_its_driver_with_the_price_that_was_shown(
    station: Station, driver: User, now: Clock
) -> None:
    session = create(driver, station)
    assert (session.state, session.driver) == ("PENDING", driver)
    assert session.expires_at == EVENING + timedelta(minutes=5)
    assert session.tariff_version == TariffVersion.objects.get()
    assert SessionEvent.objects.get().kind == "created"
    assert not Command.objects.exists(), "Nothing is asked of the charger yet."


def test_the_app_s_token_is_the_driver_s_alone_fits_every_charger_and_says_nothing(
    station: Station, driver: User
) -> None:
    first = create(driver, station)
    again = create(driver, station, evse_id=2)
    token = IdToken.objects.get()
    assert (token.type, token.user) == ("Central", driver)
    assert first.id_token == again.id_token == token
    assert len(token.token) == TOKEN_LENGTH <= 20  # idTag of OCPP 1.6
    assert token.token.isalnum()
    assert str(driver.pk) != token.token
    other = create(make_driver(), station)
    assert other.id_token_value != token.token


def test_asked_for_again_it_is_the_same_session(station: Station, driver: User) -> None:
    assert create(driver, station) == create(driver, station)
    assert Session.objects.count() == 1


def test_what_the_driver_has_not_started_gives_way(station: Station, driver: User) -> None:
    first = create(driver, station)
    second = create(driver, station, evse_id=2)
    first.refresh_from_db()
    assert (first.state, first.end_reason) == ("CANCELLED", "Cancelled")
    assert second.state == "PENDING"


def test_a_driver_charges_at_one_place_at_a_time(station: Station, driver: User) -> None:
    session = start(driver, station)
    assert refused(lambda: create(driver, station, evse_id=2)) == "session_exists"
    token = session.id_token_value
    support.start(station, token=token)
    assert refused(lambda: create(driver, station, evse_id=2)) == "session_exists"
    support.stop(station, session.pk)
    create(driver, station, evse_id=2)


def test_a_card_of_the_driver_s_is_not_in_the_app_s_way(station: Station, driver: User) -> None:
    make_id_token("CARD1", user=driver)
    support.start(station, token="CARD1")
    create(driver, station, evse_id=2)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ConnectorStatus.AVAILABLE, ""),
        (ConnectorStatus.PREPARING, ""),
        (ConnectorStatus.UNKNOWN, ""),
        (ConnectorStatus.CHARGING, "connector_unavailable"),
        (ConnectorStatus.FAULTED, "connector_unavailable"),
        (ConnectorStatus.UNAVAILABLE, "connector_unavailable"),
        (ConnectorStatus.RESERVED, "connector_reserved"),
    ],
)
def test_what_the_connector_says_counts(
    status: ConnectorStatus, code: str, station: Station, driver: User
) -> None:
    Connector.objects.update(status=status.value)
    if code:
        assert refused(lambda: create(driver, station)) == code
        assert not Session.objects.exists()
    else:
        create(driver, station)


def test_an_offline_charger_and_a_busy_connector_are_refused(
    station: Station, driver: User, now: Clock
) -> None:
    stranger = make_driver()
    create(stranger, station)
    assert refused(lambda: create(driver, station)) == "connector_in_use"
    now.passes(minutes=5)  # the stranger's has expired, although no sweep has run yet
    create(driver, station)
    assert Session.objects.get(driver=stranger).end_reason == "Expired"
    Station.objects.update(is_online=False)
    assert refused(lambda: create(stranger, station, evse_id=2)) == "station_offline"


def test_a_reserved_place_is_for_its_holder(station: Station, driver: User, now: Clock) -> None:
    reservation_of(driver, station)
    Connector.objects.update(status=ConnectorStatus.RESERVED.value)
    assert refused(lambda: create(make_driver(), station)) == "connector_reserved"
    create(driver, station)


def reservation_of(driver: User, station: Station) -> Reservation:
    command = Command.objects.create(
        station=station, name="reserve", actor_label="x", requested_at=EVENING, expires_at=EVENING
    )
    return Reservation.objects.create(
        station=station,
        connector=connector_of(station),
        reservation_id=1,
        id_token=app_token_of(driver),
        driver=driver,
        state=ReservationState.ACTIVE.value,
        created_at=EVENING,
        expires_at=EVENING + timedelta(minutes=30),
        command=command,
    )


def test_a_blocked_token_charges_nowhere_and_is_not_replaced(
    station: Station, driver: User
) -> None:
    create(driver, station)
    IdToken.objects.update(status="BLOCKED")
    assert refused(lambda: create(driver, station, evse_id=2)) == "token_not_accepted"
    assert IdToken.objects.count() == 1


def test_no_charger_is_given_the_tokens_of_the_app(station: Station, driver: User) -> None:
    create(driver, station)
    make_id_token("CARD1")
    command = commands.request(
        station, "send_local_list", {"update_type": "full"}, actor=SystemActor("test")
    )
    entries = effects.parameters_of(command)["entries"]
    assert [entry["token"] for entry in entries] == ["CARD1"]


# --- What the database itself refuses -----------------------------------------------------------
def test_one_is_awaited_per_connector_and_per_driver(station: Station, driver: User) -> None:
    create(driver, station)
    same = {"state": SessionState.PENDING.value, "expires_at": EVENING}
    with pytest.raises(IntegrityError, match="connector"), transaction.atomic():
        Session.objects.create(station=station, connector=connector_of(station), **same)
    with pytest.raises(IntegrityError, match="driver"), transaction.atomic():
        Session.objects.create(
            station=station, connector=connector_of(station, 2), driver=driver, **same
        )
