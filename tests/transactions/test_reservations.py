"""Reservations from request to use, cancellation or expiry."""

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.domain.reports import StatusReport
from chargepoints.domain.states import CommandStatus, ConnectorStatus
from chargepoints.models import Command, Station, StationAnomaly
from chargepoints.services import commands
from chargepoints.services.status import report_status
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, InvalidInput
from tests.support.factories import make_id_token, make_station
from tests.support.threads import in_threads
from tests.transactions.support import start
from transactions.models import Reservation, Session
from transactions.services import reserving

ACTOR = SystemActor("test")
pytestmark = pytest.mark.django_db


def ask(station: Station, name: str = "reserve", **parameters: Any) -> Command:
    return commands.request(station, name, parameters, actor=ACTOR)


def reserve(station: Station, token: str = "CARD1", **parameters: Any) -> Reservation:
    until = (clock.now() + timedelta(hours=1)).isoformat()
    command = ask(
        station, **{"connector_id": 1, "id_token": token, "expires_at": until, **parameters}
    )
    return Reservation.objects.get(command=command)


def answer(command: Command, status: CommandStatus, error: str = "") -> None:
    Command.objects.filter(pk=command.pk).update(
        status=CommandStatus.SENT, message_id=str(command.pk), sent_at=clock.now()
    )
    commands.settle(command.pk, status=status, response={}, error=error, at=clock.now())


def held(station: Station, token: str = "CARD1", **parameters: Any) -> Reservation:
    reservation = reserve(station, token, **parameters)
    answer(reservation.command, CommandStatus.ACCEPTED)
    reservation.refresh_from_db()
    assert reservation.state == "ACTIVE"
    return reservation


@pytest.fixture
def station() -> Station:
    make_id_token("CARD1")
    return make_station(connectors=2)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (CommandStatus.ACCEPTED, "ACTIVE"),
        (CommandStatus.REJECTED, "REJECTED"),
        (CommandStatus.FAILED, "FAILED"),
        (CommandStatus.TIMED_OUT, "REQUESTED"),
    ],
)
def test_the_answer_decides(station: Station, status: CommandStatus, state: str) -> None:
    reservation = reserve(station)
    assert (reservation.state, reservation.reservation_id) == ("REQUESTED", 1)
    if status is CommandStatus.TIMED_OUT:
        Command.objects.update(status=CommandStatus.SENT, message_id="m", sent_at=clock.now())
        commands.time_out(reservation.command_id, clock.now())
    else:
        answer(reservation.command, status, "Occupied")
    reservation.refresh_from_db()
    assert reservation.state == state
    if status is CommandStatus.TIMED_OUT:
        late = commands.settle(
            reservation.command_id, status=CommandStatus.ACCEPTED, response={}, at=clock.now()
        )
        assert late is not None
        reservation.refresh_from_db()
        assert reservation.state == "ACTIVE", "a late answer counts"


def test_a_command_that_never_went_out_leaves_no_reservation_open(station: Station) -> None:
    first = reserve(station)
    Command.objects.update(expires_at=clock.now())
    assert commands.expire_due(clock.now()) == 1
    first.refresh_from_db()
    assert first.state == "FAILED"
    second = reserve(station)
    commands.cancel(second.command_id, actor=ACTOR)
    second.refresh_from_db()
    assert (second.state, second.reservation_id) == ("CANCELLED", 2)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"connector_id": 9}, "connector_id"),
        ({"connector_id": "x"}, "connector_id"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"id_token": "NOBODY"}, "id_token"),
    ],
)
def test_what_cannot_be_reserved(station: Station, parameters: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        reserve(station, **parameters)
    assert [error.field for error in refusal.value.errors] == [field]
    assert not Command.objects.exists()


def test_one_open_reservation_per_connector_and_any_number_for_the_station(
    station: Station,
) -> None:
    reserve(station)
    with pytest.raises(Conflict):
        reserve(station)
    reserve(station, connector_id=2)
    anywhere = [reserve(station, connector_id=0) for _number in range(2)]
    assert [r.reservation_id for r in anywhere] == [3, 4]


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_get_one_connector_and_twenty_numbers() -> None:
    make_id_token("CARD1")
    station = make_station()

    def attempt(number: int) -> bool:
        try:
            reserve(station, connector_id=number % 2)
        except Conflict:
            return False
        return True

    assert sum(in_threads(20, attempt)) == 11
    numbers = Reservation.objects.values_list("reservation_id", flat=True)
    assert sorted(numbers) == list(range(1, 12))
    assert Command.objects.count() == 11


def test_a_start_uses_the_reservation_once(station: Station) -> None:
    reservation = held(station)
    answered = start(station, clock.now(), reservation_id=reservation.reservation_id)
    again = start(station, clock.now(), reservation_id=reservation.reservation_id, meter=5)
    reservation.refresh_from_db()
    assert (reservation.state, reservation.session_id) == ("USED", answered.transaction_id)
    assert again.transaction_id != answered.transaction_id
    reserving.end_due(clock.now() + timedelta(days=1))
    reservation.refresh_from_db()
    assert reservation.state == "USED"


def test_a_card_of_the_same_group_uses_it_too_even_after_the_fact(station: Station) -> None:
    make_id_token("CARD2", group="FLEET")
    make_id_token("CARD3", group="FLEET")
    reservation = held(station, "CARD2")
    assert reserving.RESERVE.completed is not None
    reserving.end_due(clock.now() + timedelta(days=1))
    begun = start(station, clock.now(), token="card3", reservation_id=reservation.reservation_id)
    reservation.refresh_from_db()
    assert (reservation.state, reservation.session_id) == ("USED", begun.transaction_id)


@pytest.mark.parametrize("number", [0, -1])
def test_case_56_no_reservation_is_no_deviation(station: Station, number: int) -> None:
    held(station)
    start(station, clock.now(), reservation_id=number)
    assert Reservation.objects.get().state == "ACTIVE"
    assert not StationAnomaly.objects.exists()


def test_case_56_a_reservation_of_another_token_stays_and_the_energy_counts(
    station: Station,
) -> None:
    make_id_token("CARD2")
    reservation = held(station)
    start(station, clock.now(), token="CARD2", reservation_id=reservation.reservation_id)
    start(station, clock.now(), evse_id=2, reservation_id=77)
    reservation.refresh_from_db()
    assert (reservation.state, Session.objects.count()) == ("ACTIVE", 2)
    kinds = set(StationAnomaly.objects.values_list("kind", flat=True))
    assert kinds == {"reservation_of_another", "reservation_unknown"}


@pytest.mark.parametrize("status", [ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE])
def test_case_39_a_reserved_connector_that_breaks_ends_the_reservation(
    station: Station, status: ConnectorStatus
) -> None:
    reservation, other = held(station), held(station, connector_id=2)
    anywhere = held(station, connector_id=0)
    assert reserving.end_due(clock.now()) == 0
    for reported in (status, ConnectorStatus.AVAILABLE):
        report_status(station.pk, StatusReport(clock.now(), 1, 1, reported))
    assert reserving.end_due(clock.now()) == 1
    for row in (reservation, other, anywhere):
        row.refresh_from_db()
    assert (reservation.state, other.state, anywhere.state) == ("CANCELLED", "ACTIVE", "ACTIVE")
    report_status(station.pk, StatusReport(clock.now(), 0, 0, status))
    assert reserving.end_due(clock.now()) == 2


def test_what_has_expired_is_ended(station: Station) -> None:
    reservation = held(station)
    asked = reserve(station, connector_id=2)
    assert reserving.end_due(reservation.expires_at - timedelta(seconds=1)) == 0
    assert reserving.end_due(asked.expires_at) == 2
    assert set(Reservation.objects.values_list("state", flat=True)) == {"EXPIRED"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (CommandStatus.ACCEPTED, "CANCELLED"),
        (CommandStatus.REJECTED, "CANCELLED"),
        (CommandStatus.FAILED, "ACTIVE"),
    ],
)
def test_a_cancellation(station: Station, status: CommandStatus, state: str) -> None:
    reservation = held(station)
    command = ask(station, "cancel_reservation", reservation_id=str(reservation.reservation_id))
    answer(command, status)
    reservation.refresh_from_db()
    assert reservation.state == state


def test_only_an_open_reservation_of_the_station_can_be_cancelled(station: Station) -> None:
    reservation = held(make_station())
    with pytest.raises(InvalidInput):
        ask(station, "cancel_reservation", reservation_id=reservation.reservation_id)
    reserving.end_due(reservation.expires_at)
    with pytest.raises(Conflict):
        ask(
            reservation.station,
            "cancel_reservation",
            reservation_id=reservation.reservation_id,
        )
