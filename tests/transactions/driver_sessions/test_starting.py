"""Sessions that drivers ask for: started, and closed if they never begin."""

from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from chargepoints.services import commands
from tests.support.factories import make_driver, make_id_token
from tests.transactions import support
from tests.transactions.driver_sessions.support import only_command, refused
from tests.transactions.drivers import (
    Clock,
    answer,
    create,
    send,
    start,
)
from transactions.models import ReviewItem, Session
from transactions.services.driver_sessions import (
    close_due,
)
from transactions.services.remote_control import request_start

pytestmark = pytest.mark.django_db


def test_the_charger_s_start_goes_on_with_the_driver_s_session(
    station: Station, driver: User, now: Clock
) -> None:
    session = start(driver, station)
    command = only_command(session)
    assert (command.name, command.actor) == ("start_charging", driver)
    assert command.parameters == {"evse_id": 1, "id_token": session.id_token_value}
    assert session.state == "STARTING"
    answer(command, CommandStatus.ACCEPTED)
    first = support.start_input(now.passes(seconds=20), token=session.id_token_value.lower())
    started = support.start_session(station.pk, first)
    assert started.transaction_id == session.pk
    assert started.authorization == "Accepted"
    # The charger that heard no answer says it again.
    assert support.start_session(station.pk, first) == started
    session.refresh_from_db()
    assert (session.state, session.expires_at) == ("ACTIVE", None)
    assert Session.objects.count() == 1
    assert [e.kind for e in session.events.all()] == [
        "created",
        "start_requested",
        "start_accepted",
        "started",
    ]
    assert not ReviewItem.objects.exists()


def test_asked_to_start_again_it_is_the_same_command(station: Station, driver: User) -> None:
    session = start(driver, station)
    again = request_start(session, driver)
    assert again.start_command == session.start_command
    support.start(station, token=session.id_token_value)
    assert request_start(session, driver).start_command == session.start_command
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (CommandStatus.REJECTED, "FAILED", "StartRejected"),
        (CommandStatus.FAILED, "FAILED", "StartFailed"),
    ],
)
def test_what_the_charger_refuses_has_failed(
    status: CommandStatus, state: str, reason: str, station: Station, driver: User
) -> None:
    session = start(driver, station)
    answer(only_command(session), status)
    session.refresh_from_db()
    assert (session.state, session.end_reason, session.expires_at) == (state, reason, None)
    assert refused(lambda: request_start(session, driver)) == "session_not_pending"
    create(driver, station)  # and the driver may try again


def test_a_charger_that_is_not_reached_in_time_has_failed(
    station: Station, driver: User, now: Clock
) -> None:
    session = start(driver, station)
    commands.expire_due(now.passes(seconds=61))
    session.refresh_from_db()
    assert (session.state, session.end_reason) == ("FAILED", "ChargerUnreachable")


def test_a_charger_that_does_not_answer_has_failed_and_its_late_start_is_kept(
    station: Station, driver: User, now: Clock
) -> None:
    session = start(driver, station)
    command = only_command(session)
    send(command)
    commands.time_out(command.pk, now.passes(seconds=60))
    session.refresh_from_db()
    assert (session.state, session.end_reason) == ("FAILED", "NoAnswer")
    # The answer comes late, and so does the start.
    commands.settle(command.pk, status=CommandStatus.ACCEPTED, response={}, at=now.at)
    session.refresh_from_db()
    assert session.state == "FAILED"
    late = support.start(station, now.passes(minutes=1), token=session.id_token_value)
    assert late.authorization == "Accepted"
    kept = Session.objects.get(pk=late.transaction_id)
    assert (kept.state, kept.driver, kept.pk != session.pk) == ("ACTIVE", driver, True)
    support.stop(station, kept.pk, now.passes(hours=1))
    kept.refresh_from_db()
    assert kept.total_gross == Decimal("75.00")


def test_a_late_start_belongs_to_the_session_that_was_asked_for_since(
    station: Station, driver: User, now: Clock
) -> None:
    failed = start(driver, station)
    send(only_command(failed))
    commands.time_out(only_command(failed).pk, now.passes(seconds=60))
    again = create(driver, station)
    late = support.start(station, now.passes(seconds=5), token=failed.id_token_value)
    assert late.transaction_id == again.pk
    again.refresh_from_db()
    assert (again.state, again.expires_at) == ("ACTIVE", None)
    assert refused(lambda: request_start(again, driver)) == "session_not_pending"


def test_what_never_begins_is_closed_by_the_sweep(
    station: Station, driver: User, now: Clock
) -> None:
    pending = create(make_driver(), station, evse_id=2)
    accepted = start(driver, station)
    answer(only_command(accepted), CommandStatus.ACCEPTED)
    assert close_due(now.passes(minutes=4)) == 0
    assert close_due(now.passes(minutes=1)) == 1
    pending.refresh_from_db()
    assert (pending.state, pending.end_reason) == ("CANCELLED", "Expired")
    assert close_due(now.passes(minutes=1)) == 1
    accepted.refresh_from_db()
    assert (accepted.state, accepted.end_reason) == ("FAILED", "NotStarted")
    assert close_due(now.passes(days=1)) == 0


def test_the_sweep_leaves_what_has_begun(station: Station, driver: User, now: Clock) -> None:
    session = start(driver, station)
    support.start(station, token=session.id_token_value)
    assert close_due(now.passes(days=1)) == 0
    session.refresh_from_db()
    assert session.state == "ACTIVE"


def test_too_late_is_refused_and_so_is_a_place_that_was_taken(
    station: Station, driver: User, now: Clock
) -> None:
    session = create(driver, station)
    make_id_token("CARD1")
    taken = support.start(station, token="CARD1")
    assert refused(lambda: request_start(session, driver)) == "connector_in_use"
    support.stop(station, taken.transaction_id)
    now.passes(minutes=5)
    assert refused(lambda: request_start(session, driver)) == "session_expired"
    assert not Command.objects.exists()


def test_another_card_at_the_connector_does_not_take_the_session(
    station: Station, driver: User
) -> None:
    session = start(driver, station)
    make_id_token("CARD1")
    assert support.start(station, token="CARD1").transaction_id != session.pk
    session.refresh_from_db()
    assert session.state == "STARTING"


def test_a_driver_s_start_costs_the_charger_no_statement_more(
    station: Station, driver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """As many as a start that nobody asked for: the session is locked, the tariff known."""
    session = start(driver, station)
    with django_assert_num_queries(6 + 2):
        support.start(station, token=session.id_token_value)
