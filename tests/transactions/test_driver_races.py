"""Fingers that tap twice, drivers who want the same connector, chargers that answer meanwhile."""

from functools import partial

import pytest
from django.db import transaction

from accounts.models import IdToken, User
from accounts.services.app_tokens import app_token_of
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Connector, Station
from chargepoints.services import commands
from csms.common import clock
from csms.common.errors import Conflict
from tests.support.factories import connector_of, make_driver
from tests.support.threads import in_threads
from tests.transactions import support
from tests.transactions.drivers import create, make_ready_station, price_of, send, start
from transactions.domain.states import UNFINISHED_SESSION_STATES
from transactions.models import Session, SessionEvent
from transactions.services.driver_sessions import close_due, create_session
from transactions.services.remote_control import request_start, request_stop

pytestmark = pytest.mark.django_db(transaction=True)
TAPS = 6


@pytest.fixture
def station() -> Station:
    return make_ready_station("CP1", connectors=2)


@pytest.fixture
def driver() -> User:
    return make_driver()


def place(station: Station, evse_id: int = 1) -> Connector:
    return Connector.objects.select_related("evse__station__site__operator").get(
        pk=connector_of(station, evse_id).pk
    )


def attempt(call: "partial[Session]") -> str:
    try:
        return str(call().pk)
    except Conflict as refusal:
        return refusal.code


def test_T59_two_taps_on_start_are_one_start(station: Station, driver: User) -> None:
    session = create(driver, station)
    in_threads(TAPS, lambda _tap: request_start(session, driver))
    command = Command.objects.get()
    session.refresh_from_db()
    assert (session.state, session.start_command) == ("STARTING", command)
    assert SessionEvent.objects.filter(kind="start_requested").count() == 1


def test_T59_two_taps_on_create_are_one_session_and_one_token(
    station: Station, driver: User
) -> None:
    connector = place(station)
    shown = price_of(connector)
    found = in_threads(TAPS, lambda _tap: create_session(driver, connector, shown))
    assert len({made.session.pk for made in found}) == 1
    assert [made.is_new for made in found].count(True) == 1
    assert IdToken.objects.count() == 1


def test_T59_two_taps_on_stop_are_one_stop(station: Station, driver: User) -> None:
    session = start(driver, station)
    support.start(station, token=session.id_token_value)
    session.refresh_from_db()
    in_threads(TAPS, lambda _tap: request_stop(session, driver))
    assert Command.objects.filter(name="stop_charging").count() == 1


def test_of_drivers_at_one_connector_one_gets_it(station: Station) -> None:
    drivers = [make_driver() for _number in range(TAPS)]
    connector = place(station)
    shown = price_of(connector)

    def create_one(number: int) -> str:
        try:
            create_session(drivers[number], connector, shown)
        except Conflict as refusal:
            return refusal.code
        return "created"

    answers = in_threads(TAPS, create_one)
    assert sorted(answers) == ["connector_in_use"] * (TAPS - 1) + ["created"]
    assert Session.objects.count() == 1


def test_two_phones_of_one_driver_at_two_connectors_hold_one(
    station: Station, driver: User
) -> None:
    places = [place(station, number) for number in (1, 2)]
    shown = price_of(places[0])
    in_threads(2, lambda number: create_session(driver, places[number], shown))
    states = Session.objects.values_list("state", flat=True)
    assert sorted(states) == ["CANCELLED", "PENDING"]


def test_the_charger_s_start_and_the_answer_to_ours_at_once(station: Station, driver: User) -> None:
    """Chargers send StartTransaction while their answer is on its way."""
    session = start(driver, station)
    command = session.start_command
    assert command is not None
    send(command)
    first = support.start_input(token=session.id_token_value)
    works = [
        lambda: support.start_session(station.pk, first),
        lambda: commands.settle(
            command.pk, status=CommandStatus.ACCEPTED, response={}, at=clock.now()
        ),
    ]
    in_threads(2, lambda number: works[number]())
    session.refresh_from_db()
    assert session.state == "ACTIVE"
    assert Session.objects.count() == 1


def test_the_charger_s_start_and_the_sweep_at_once_lose_nothing(
    station: Station, driver: User
) -> None:
    session = start(driver, station)
    assert session.expires_at is not None
    due = session.expires_at
    # The token is worth something only where its driver has asked, and from then on.
    assert session.start_command is not None
    send(session.start_command)
    first = support.start_input(clock.now(), token=session.id_token_value)
    works = [lambda: support.start_session(station.pk, first), lambda: close_due(due)]
    in_threads(2, lambda number: works[number]())
    running = Session.objects.get(state="ACTIVE")
    assert running.driver == driver
    # Either the session itself began, or it was closed first and the start has one of its own.
    session.refresh_from_db()
    assert running == session or session.end_reason == "NotStarted"


def test_a_cancelled_start_and_the_gateway_that_sends_it_agree(
    station: Station, driver: User
) -> None:
    session = start(driver, station)
    command = session.start_command
    assert command is not None

    def cancel(_number: int) -> str:
        return attempt(partial(request_stop, session, driver))

    def go_out() -> str:
        try:
            send(command)
        except Conflict as refusal:
            return refusal.code
        return "sent"

    works = [lambda: cancel(0), go_out]
    cancelled, sent = in_threads(2, lambda number: works[number]())
    session.refresh_from_db()
    if sent == "sent":
        assert (cancelled, session.state) == ("session_starting", "STARTING")
    else:
        assert (sent, session.state) == ("illegal_transition", "CANCELLED")


def test_a_driver_s_token_is_made_once(driver: User) -> None:
    def make(_number: int) -> int:
        with transaction.atomic():
            return app_token_of(driver).pk

    assert len(set(in_threads(TAPS, make))) == 1


def test_nothing_is_left_unfinished_that_nobody_waits_for(station: Station) -> None:
    """After all of this a driver can charge: the constraints hold what the services promise."""
    drivers = [make_driver() for _number in range(3)]

    def act(number: int) -> str:
        return attempt(partial(start, drivers[number], station))

    in_threads(3, act)
    assert Session.objects.filter(state__in=UNFINISHED_SESSION_STATES).count() == 1
