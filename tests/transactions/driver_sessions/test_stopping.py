"""Sessions that drivers ask for: stopped, or cancelled before they begin."""

import pytest

from accounts.models import User
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from tests.transactions import support
from tests.transactions.driver_sessions.support import only_command, refused
from tests.transactions.drivers import (
    Clock,
    answer,
    create,
    send,
    start,
)
from transactions.models import Session
from transactions.services.remote_control import request_stop

pytestmark = pytest.mark.django_db


def running(driver: User, station: Station) -> Session:
    session = start(driver, station)
    answer(only_command(session), CommandStatus.ACCEPTED)
    support.start(station, token=session.id_token_value)
    session.refresh_from_db()
    return session


def test_a_stop_is_asked_for_once(station: Station, driver: User, now: Clock) -> None:
    session = running(driver, station)
    stopping = request_stop(session, driver).stop_command
    assert stopping is not None
    assert (stopping.name, stopping.parameters) == ("stop_charging", {"transaction_id": session.pk})
    assert request_stop(session, driver).stop_command == stopping
    answer(stopping, CommandStatus.ACCEPTED, epoch=2)
    assert request_stop(session, driver).stop_command == stopping
    support.stop(station, session.pk)
    assert request_stop(session, driver).stop_command == stopping
    assert Command.objects.filter(name="stop_charging").count() == 1


def test_a_stop_that_had_no_effect_may_be_asked_for_again(
    station: Station, driver: User, now: Clock
) -> None:
    session = running(driver, station)
    first = request_stop(session, driver).stop_command
    assert first is not None
    answer(first, CommandStatus.REJECTED, epoch=2)
    second = request_stop(session, driver).stop_command
    assert second is not None
    assert second != first
    answer(second, CommandStatus.ACCEPTED, epoch=3)
    now.passes(minutes=3)
    assert request_stop(session, driver).stop_command != second


def test_what_is_over_cannot_be_stopped(station: Station, driver: User) -> None:
    session = running(driver, station)
    support.stop(station, session.pk)
    assert refused(lambda: request_stop(session, driver)) == "session_over"


def test_what_has_not_begun_is_cancelled(station: Station, driver: User) -> None:
    pending = request_stop(create(driver, station), driver)
    assert (pending.state, pending.end_reason) == ("CANCELLED", "Cancelled")
    waiting = start(driver, station)
    cancelled = request_stop(waiting, driver)
    assert (cancelled.state, cancelled.start_command is not None) == ("CANCELLED", True)
    assert only_command(cancelled).status == "CANCELLED"
    sent = start(driver, station)
    send(only_command(sent))
    assert refused(lambda: request_stop(sent, driver)) == "session_starting"
    sent.refresh_from_db()
    assert sent.state == "STARTING"
