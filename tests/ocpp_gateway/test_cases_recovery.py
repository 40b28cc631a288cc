"""Commands, outages and restarts over a real socket: cases 53, 73, 74, 79, 83 and 84."""

from contextlib import ExitStack
from unittest import mock

import pytest
from django.db import OperationalError

from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, ConnectorStatusEvent, Station
from ocpp_gateway import dispatch
from ocpp_gateway.models import Message, StationConnection
from tests.ocpp_gateway.payloads import meter_values, status
from tests.ocpp_gateway.servers import (
    BOOT,
    Charger,
    GatewayServer,
    charger,
    running_server,
    start_of,
    stop_of,
    until,
)
from tests.ocpp_gateway.test_outbox import becomes, request
from tests.ocpp_gateway.test_v16_smart_charging import answer
from transactions.domain.states import SessionState
from transactions.models import Reading, ReviewItem, Session


def test_case_53_a_remote_start_without_a_session_opens_nothing_and_a_late_one_is_kept(
    socket: Charger, station: Station
) -> None:
    command = request(station, "start_charging", id_token="CARD", connector_id=1)
    answer(socket, "RemoteStartTransaction", {"status": "Accepted"})
    becomes(command, CommandStatus.ACCEPTED)
    assert not Session.objects.exists()
    # Much later the charger starts all the same, with a card that nobody here knows.
    started = socket.start("CARD", 0)
    assert started["idTagInfo"]["status"] == "Invalid"
    assert Session.objects.get().state == SessionState.ACTIVE
    assert ReviewItem.objects.filter(kind=ReviewItem.Kind.UNAUTHORIZED).exists()


def test_case_73_a_charger_that_jumps_between_processes_gets_each_remote_start_once(
    server: GatewayServer, station: Station
) -> None:
    """Forty jumps; a thousand, with processes of their own: `tests/faults/test_ownership.py`."""
    sockets: list[Charger] = []
    sent: list[str] = []
    issued: list[Command] = []
    with ExitStack() as stack:
        another = stack.enter_context(running_server())
        for jump in range(40):
            # The socket before is closed, or left to the gateway that has it.
            if sockets and jump % 4 == 0:
                sockets[-1].connection.close()
            place = (server, another)[jump % 2]
            socket = stack.enter_context(charger(place, station))
            sockets.append(socket)
            socket.boot()
            command = request(station, "start_charging", id_token=f"CARD{jump}", connector_id=1)
            issued.append(command)
            ours = socket.receive()
            sent.append(ours[3]["idTag"])
            if jump % 3:  # else the socket goes before the charger's answer
                socket.send([3, ours[1], {"status": "Accepted"}])
                becomes(command, CommandStatus.ACCEPTED)
        for old in sockets[:-1]:
            assert old.close_code() in (1000, 1008)
        assert sockets[-1].call("Heartbeat", {})
        held = StationConnection.objects.get()
        assert (held.epoch, held.closed_at) == (40, None)
        sockets[-1].connection.close()
        until(lambda: not Command.objects.filter(status=CommandStatus.SENT).exists())
    assert sent == [f"CARD{jump}" for jump in range(40)]
    assert [Command.objects.get(pk=command.pk).status for command in issued] == [
        CommandStatus.ACCEPTED if jump % 3 else CommandStatus.TIMED_OUT for jump in range(40)
    ]


def test_case_74_sockets_outlive_the_database_and_nothing_is_confirmed_before_it_is_stored(
    socket: Charger, station: Station
) -> None:
    outage = OperationalError("the database is down")
    number = socket.start("CARD", 0)["transactionId"]
    start, stop = start_of("OTHER", 5, connectorId=2), stop_of(number, 9)
    with (
        mock.patch.object(dispatch, "start_session", side_effect=outage),
        mock.patch.object(dispatch, "stop_session", side_effect=outage),
        mock.patch("ocpp_gateway.telemetry.store_messages", side_effect=outage),
    ):
        for message_id, action, payload in (
            ("a", "StartTransaction", start),
            ("b", "MeterValues", meter_values(7)),
            ("c", "StopTransaction", stop),
        ):
            refusal = socket.exchange([2, message_id, action, payload])
            assert refusal[:3] == [4, message_id, "InternalError"]
        assert socket.call("Heartbeat", {})["currentTime"]
    assert Session.objects.get().state == SessionState.ACTIVE
    for message_id, action, payload in (
        ("a", "StartTransaction", start),
        ("b", "MeterValues", meter_values(7)),
        ("c", "StopTransaction", stop),
    ):
        assert socket.exchange([2, message_id, action, payload])[:2] == [3, message_id]
    assert (Session.objects.count(), Reading.objects.count()) == (2, 1)
    assert Session.objects.get(pk=number).state == SessionState.ENDED


def test_case_79_message_ids_that_begin_again_with_every_restart_are_new_messages(
    server: GatewayServer, station: Station
) -> None:
    numbers = []
    for restart in range(3):
        with charger(server, station) as socket:
            socket.call("BootNotification", BOOT, "1")
            start = start_of(f"CARD{restart}", 1_000 * restart)
            started = socket.call("StartTransaction", start, "2")
            numbers.append(started["transactionId"])
            socket.call("MeterValues", meter_values(1_000 * restart + 10), "3")
            socket.call("StopTransaction", stop_of(numbers[-1], 1_000 * restart + 20), "4")
    assert len(set(numbers)) == 3
    assert (
        list(Session.objects.order_by("pk").values_list("state", "energy_wh"))
        == [(SessionState.ENDED, 20)] * 3
    )
    assert Reading.objects.count() == 3


def test_case_82_after_our_restart_a_charger_goes_on_without_a_boot(station: Station) -> None:
    with running_server() as before, charger(before, station) as socket:
        socket.boot()
        number = socket.start("CARD", 0)["transactionId"]
        socket.call("MeterValues", meter_values(10, transactionId=number))
    with running_server() as after, charger(after, station) as socket:
        socket.call("MeterValues", meter_values(20, transactionId=number))
        assert Session.objects.get().state == SessionState.ACTIVE
        command = request(station)
        ours = socket.receive()
        socket.send([3, ours[1], {"status": "Accepted"}])
        becomes(command, CommandStatus.ACCEPTED)
        socket.stop(number, 30)
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 30)
    assert Reading.objects.filter(session=session).count() == 2


def test_case_83_statuses_in_a_row_and_before_the_answer_to_the_boot_are_all_answered(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as socket:
        socket.send([2, "boot", "BootNotification", BOOT])
        for connector in range(3):
            socket.send([2, f"s{connector}", "StatusNotification", status(connector=connector)])
        answered = [socket.receive() for _message in range(4)]
    assert [found[:2] for found in answered] == [[3, "boot"], [3, "s0"], [3, "s1"], [3, "s2"]]
    assert ConnectorStatusEvent.objects.count() == 3


@pytest.mark.parametrize(
    "error",
    [
        [None, None, None],
        ["GenericError", None, None],
        ["GenericError", "two\nlines\n" * 100, {"a": None}],
        ["X" * 300, "y" * 100_000, "text"],
        ["GenericError"],
    ],
)
def test_case_84_an_error_of_any_form_ends_the_command_and_is_kept_within_bounds(
    socket: Charger, station: Station, error: list[object]
) -> None:
    command = request(station)
    ours = socket.receive()
    socket.send([4, ours[1], *error])
    assert len(becomes(command, CommandStatus.FAILED).error) <= 1000
    archived = until(lambda: Message.objects.filter(message_id=ours[1], direction="IN").first())
    assert archived.type == Message.Type.CALLERROR
    assert socket.call("Heartbeat", {})["currentTime"]
