"""The app's token is worth something only where its driver has asked to charge."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.services.app_tokens import app_token_of
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Connector, Station
from chargepoints.services import commands
from csms.common.audit import SystemActor
from tests.support.factories import connector_of, make_driver, make_id_token
from tests.transactions import support
from tests.transactions.drivers import (
    Clock,
    answer,
    create,
    frozen_clock,
    make_ready_station,
    send,
    start,
)
from tests.transactions.support import EVENING
from transactions.models import Reservation, ReviewItem, Session
from transactions.services.authorizing import authorize_at
from transactions.services.driver_reservations import reserve
from transactions.services.driver_sessions import close_due
from transactions.services.remote_control import request_stop

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return frozen_clock(monkeypatch, EVENING)


@pytest.fixture
def station(now: Clock) -> Station:
    return make_ready_station("CP1", connectors=2)


@pytest.fixture
def elsewhere(now: Clock) -> Station:
    """A charger of another operator, which knows the token all the same."""
    return make_ready_station("CP2")


@pytest.fixture
def driver() -> User:
    return make_driver()


def worth(station: Station, driver: User, at: datetime) -> str:
    token = app_token_of(driver).token
    return authorize_at(station.pk, token, operator_id=station.site.operator_id, at=at).status.value


def begun(station: Station, driver: User, at: datetime, **fields: object) -> Session:
    answered = support.start(station, at, token=app_token_of(driver).token.lower(), **fields)
    return Session.objects.get(pk=answered.transaction_id)


def is_the_driver_s(session: Session, driver: User) -> bool:
    """Either wholly the driver's, or nobody's and in the queue for review."""
    is_queued = ReviewItem.objects.filter(kind="UNAUTHORIZED", session=session).exists()
    if session.driver == driver:
        assert (session.authorization, is_queued) == ("Accepted", False)
        return True
    assert (session.authorization, session.driver, session.id_token) == ("Invalid", None, None)
    assert is_queued
    return False


def test_a_charger_that_knows_the_token_cannot_bill_the_driver(
    elsewhere: Station, driver: User, now: Clock
) -> None:
    assert worth(elsewhere, driver, now.at) == "Invalid"
    stored = begun(elsewhere, driver, now.at)
    assert not is_the_driver_s(stored, driver)
    assert (stored.state, stored.tariff_version is None) == ("ACTIVE", False)
    # Nor does it stand in the driver's way.
    create(driver, make_ready_station("CP3"))


def test_who_charges_at_one_station_has_not_asked_at_another(
    station: Station, elsewhere: Station, driver: User, now: Clock
) -> None:
    session = start(driver, station)
    assert worth(station, driver, now.at) == "Accepted"
    assert worth(elsewhere, driver, now.at) == "Invalid"
    assert not is_the_driver_s(begun(elsewhere, driver, now.at), driver)
    own = begun(station, driver, now.at)
    assert (own.pk, is_the_driver_s(own, driver)) == (session.pk, True)
    assert worth(station, driver, now.at) == "Accepted", "It is let in to end its session."
    assert not is_the_driver_s(begun(station, driver, now.at, evse_id=2), driver)


def test_once_it_is_over_the_charger_cannot_begin_again(
    station: Station, driver: User, now: Clock
) -> None:
    answer_accepted(start(driver, station))
    session = begun(station, driver, now.at)
    support.stop(station, session.pk, now.passes(hours=1))
    assert worth(station, driver, now.at) == "Invalid"
    assert not is_the_driver_s(begun(station, driver, now.passes(minutes=1)), driver)


def answer_accepted(session: Session) -> None:
    assert session.start_command is not None
    answer(session.start_command, CommandStatus.ACCEPTED)


def test_a_charger_that_begins_again_on_the_same_connector_goes_on(
    station: Station, driver: User, now: Clock
) -> None:
    start(driver, station)
    begun(station, driver, now.at)
    again = begun(station, driver, now.passes(minutes=5), meter=2_000)
    assert is_the_driver_s(again, driver)


def test_the_neighbouring_connector_is_where_the_driver_asked(
    station: Station, driver: User, now: Clock
) -> None:
    start(driver, station)
    assert is_the_driver_s(begun(station, driver, now.at, evse_id=2), driver)


@pytest.mark.parametrize("hours", [1, 72])
def test_a_start_that_is_reported_late_finds_its_driver(
    hours: int, station: Station, driver: User, now: Clock
) -> None:
    """The charger lost its connection after it was asked; by then the session was closed."""
    session = start(driver, station)
    answer_accepted(session)
    began = now.passes(minutes=1)
    close_due(now.passes(hours=hours))
    session.refresh_from_db()
    assert session.state == "FAILED"
    late = begun(station, driver, began, received_at=now.at)
    assert is_the_driver_s(late, driver)
    support.stop(station, late.pk, now.passes(minutes=1))
    late.refresh_from_db()
    assert late.total_gross == Decimal("75.00")


def test_a_request_of_long_ago_opens_nothing(station: Station, driver: User, now: Clock) -> None:
    session = start(driver, station)
    assert session.start_command is not None
    send(session.start_command)
    commands.time_out(session.start_command.pk, now.passes(seconds=60))
    assert worth(station, driver, now.at) == "Accepted"
    assert worth(station, driver, now.passes(days=2)) == "Invalid"
    assert not is_the_driver_s(begun(station, driver, now.at), driver)


def test_what_was_taken_back_before_the_charger_heard_of_it_opens_nothing(
    station: Station, driver: User, now: Clock
) -> None:
    request_stop(start(driver, station), driver)
    assert Session.objects.get().state == "CANCELLED"
    assert worth(station, driver, now.at) == "Invalid"


def held(driver: User, station: Station) -> Reservation:
    connector = Connector.objects.select_related("evse__station__site__operator").get(
        pk=connector_of(station).pk
    )
    reservation = reserve(driver, connector, EVENING + timedelta(minutes=30))
    answer(reservation.command, CommandStatus.ACCEPTED)
    return reservation


def test_a_reservation_is_asking_as_long_as_it_holds(
    station: Station, elsewhere: Station, driver: User, now: Clock
) -> None:
    held(driver, station)
    began = now.passes(minutes=10)
    assert worth(station, driver, began) == "Accepted"
    assert worth(elsewhere, driver, began) == "Invalid"
    later = now.passes(hours=2)
    assert worth(station, driver, later) == "Invalid"
    Reservation.objects.update(state="EXPIRED", ended_at=EVENING + timedelta(minutes=30))
    assert is_the_driver_s(begun(station, driver, began, received_at=later), driver)


def test_nobody_reserves_for_the_driver(elsewhere: Station, driver: User, now: Clock) -> None:
    commands.request(
        elsewhere,
        "reserve",
        {
            "evse_id": 1,
            "id_token": app_token_of(driver).token,
            "expires_at": (EVENING + timedelta(minutes=30)).isoformat(),
        },
        actor=SystemActor("operator"),
    )
    assert Reservation.objects.get().driver == driver
    assert worth(elsewhere, driver, now.at) == "Invalid"


def test_a_card_is_worth_the_same_everywhere_for_no_statement_more(
    elsewhere: Station, driver: User, now: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_id_token("CARD1", user=driver)
    operator_id = elsewhere.site.operator_id
    with django_assert_num_queries(1):
        found = authorize_at(elsewhere.pk, "CARD1", operator_id=operator_id, at=now.at)
    assert found.status == "Accepted"
