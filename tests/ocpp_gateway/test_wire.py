"""Frames over a real socket: what is answered, what is kept, and that the socket lives on."""

import json
from datetime import UTC, datetime

import pytest

from chargepoints.models import ConnectorStatusEvent, Station
from chargepoints.services import commands
from ocpp_gateway.models import Message
from ocpp_gateway.services.sending import GATEWAY
from tests.ocpp_gateway.payloads import meter_values, status
from tests.ocpp_gateway.servers import (
    Charger,
    GatewayServer,
    charger,
    frame_head,
    start_of,
    until,
)
from tests.support.factories import make_station
from transactions.models import Session


# --- The RPC layer ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "frame", ["no JSON", "{}", "[]", "[9,1]", '"text"', "[3]", "[4]", "\x00", "[" * 5000]
)
def test_case_18_garbage_is_logged_and_the_socket_lives(socket: Charger, frame: str) -> None:
    socket.send(frame)
    assert socket.call("Heartbeat", {})["currentTime"]
    archived = until(lambda: Message.objects.filter(type=Message.Type.MALFORMED).first())
    assert archived.payload == frame.replace("\x00", "")


def test_case_19_and_21_errors_have_the_codes_of_their_version(socket: Charger) -> None:
    assert socket.call("Heartbeat", None)["currentTime"]
    assert socket.exchange([2, "h", "Heartbeat"])[0] == 3
    assert socket.exchange([2, "a", "Authorize", None])[:3] == [4, "a", "FormationViolation"]
    assert socket.exchange([2, "b", "Authorize", {}])[:3] == [
        4,
        "b",
        "OccurenceConstraintViolation",
    ]
    assert socket.exchange([2, "c", "NoSuchAction", {}])[:3] == [4, "c", "NotImplemented"]
    assert socket.exchange([2, "d", "RemoteStartTransaction", {}])[:3] == [4, "d", "NotSupported"]


@pytest.mark.parametrize("connector", [0, 101])
def test_a_start_on_a_connector_that_no_station_has_is_kept_for_a_person(
    socket: Charger, station: Station, connector: int
) -> None:
    """Energy flows whatever the number says, and a refusal would be repeated for ever."""
    start = start_of("CARD", 0, connectorId=connector)
    answer = socket.exchange([2, "a", "StartTransaction", start])
    session = Session.objects.get()
    assert (answer[:2], answer[2]["transactionId"]) == ([3, "a"], session.pk)
    assert session.is_held
    assert session.review_items.filter(kind="UNREADABLE").exists()


def test_what_nobody_can_read_does_not_keep_the_rest_of_a_stop_back(
    socket: Charger, station: Station
) -> None:
    transaction = socket.start(meter=0, reservationId="none")["transactionId"]
    garbage = {"meterStop": "12,5", "transactionData": "x", "idTag": {}, "reason": 7}
    assert socket.call("StopTransaction", {"transactionId": transaction, **garbage}) == {}
    session = Session.objects.get()
    # Ended, so that the charger goes on; without a meter value it waits for a person.
    assert (session.state, session.energy_wh, session.is_held) == ("ENDED", 0, True)


def test_case_20_unusable_message_ids_do_not_hurt(socket: Charger) -> None:
    for message_id in (None, 7, "x" * 37):
        answer = socket.exchange([2, message_id, "Heartbeat", {}])
        assert answer[:2] == [4, "-1"]
    assert socket.exchange([2, "x" * 36, "Heartbeat", {}])[0] == 3


def test_case_22_the_same_message_twice_has_one_effect(socket: Charger) -> None:
    frame = [2, "same", "StartTransaction", start_of("CARD", 5)]
    assert socket.exchange(frame) == socket.exchange(frame)
    assert Session.objects.count() == 1


def test_case_23_a_message_id_used_again_for_something_else_is_new(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as first:
        first.boot()
        first.call("StatusNotification", status("Preparing"), "1")
        first.call("StatusNotification", status("Charging"), "1")
    with charger(server, station) as second:
        second.call("StatusNotification", status("Charging"), "1")
    assert ConnectorStatusEvent.objects.count() == 3


def test_case_24_a_start_repeated_with_a_new_id_has_the_same_transaction(socket: Charger) -> None:
    start = start_of("CARD", 100)
    first = socket.call("StartTransaction", start)
    assert socket.call("StartTransaction", start) == first
    assert Session.objects.get().pk == first["transactionId"]


def test_case_25_and_81_a_call_crosses_ours(socket: Charger, station: Station) -> None:
    commands.request(station, "trigger", {"message": "Heartbeat"}, actor=GATEWAY)
    ours = socket.receive()
    assert ours[2:] == ["TriggerMessage", {"requestedMessage": "Heartbeat"}]
    assert socket.call("Heartbeat", {})["currentTime"]
    socket.send([3, ours[1], {"status": "Accepted"}])
    until(lambda: station.commands.filter(status="ACCEPTED").exists())


def test_case_26_and_83_calls_in_flight_at_once_are_answered_in_order(socket: Charger) -> None:
    for number in range(20):
        action, payload = ("Heartbeat", {}) if number % 2 else ("StatusNotification", status())
        socket.send([2, f"n{number}", action, payload])
    assert [socket.receive()[1] for _number in range(20)] == [f"n{n}" for n in range(20)]


def test_case_28_answers_to_nothing_and_odd_errors_are_only_logged(socket: Charger) -> None:
    socket.send([3, "never-sent", {"status": "Accepted"}])
    socket.send([4, "never-sent", None, None, "text"])
    socket.send([4, "never-sent", "GenericError", "two\nlines " * 60, None])
    assert socket.call("Heartbeat", {})["currentTime"]


def test_case_30_types_5_and_6_of_2_1_are_not_answered_in_1_6_and_end_nothing(
    socket: Charger, station: Station
) -> None:
    command = commands.request(station, "clear_cache", {}, actor=GATEWAY)
    ours = socket.receive()
    unknown = ([5, ours[1], "GenericError", "", {}], [6, "a", "NotifyPeriodicEventStream", {}])
    for frame in unknown:
        socket.send(frame)
    # The next thing we say is the answer to the call, and our own request is still open.
    assert socket.call("Heartbeat", {})["currentTime"]
    command.refresh_from_db()
    assert command.status == "SENT"
    socket.send([3, ours[1], {"status": "Accepted"}])
    until(lambda: station.commands.filter(status="ACCEPTED").exists())
    until(lambda: Message.objects.filter(type=Message.Type.MALFORMED).count() == 2)


def test_oversize_and_binary_frames_close_only_their_own_socket(
    server: GatewayServer, station: Station, socket: Charger
) -> None:
    with charger(server, make_station()) as other:
        other.send_raw(frame_head(4_000_001))
        assert other.close_code() == 1009
    with charger(server, make_station()) as other:
        other.send(b"\x00\x01")
        assert other.close_code() == 1003
    assert socket.call("Heartbeat", {})["currentTime"]


# --- The archive --------------------------------------------------------------------------------
def test_every_frame_is_archived_with_its_answer_and_latency(
    socket: Charger, station: Station
) -> None:
    socket.call("MeterValues", meter_values(5), "m1")
    inbound = Message.objects.get(message_id="m1", direction="IN")  # committed with the answer
    assert (inbound.type, inbound.action, inbound.epoch) == ("CALL", "MeterValues", 1)
    outbound = until(lambda: Message.objects.filter(message_id="m1", direction="OUT").first())
    assert (outbound.type, outbound.action) == ("CALLRESULT", "MeterValues")
    assert outbound.latency_ms is not None
    assert json.loads(outbound.payload) == [3, "m1", {}]


def test_secrets_are_masked_in_archive_and_command(socket: Charger, station: Station) -> None:
    secret = "hunter2-hunter2-hunter2"
    command = commands.request(
        station, "set_configuration", {"key": "AuthorizationKey", "value": secret}, actor=GATEWAY
    )
    ours = socket.receive()
    assert ours[3]["value"] == secret
    socket.send([3, ours[1], {"status": "Accepted"}])
    until(lambda: Message.objects.filter(message_id=ours[1], direction="IN").exists())
    frames = "".join(Message.objects.values_list("payload", flat=True))
    command.refresh_from_db()
    assert secret not in frames + json.dumps(command.request)


def test_last_seen_is_written_by_and_by(server: GatewayServer, station: Station) -> None:
    with charger(server, station) as socket:
        socket.boot()
        booted = Station.objects.get().last_seen_at
        assert booted is not None
        while datetime.now(UTC) == booted:  # microseconds: not a wait
            pass
        socket.call("Heartbeat", {})
    server.stop()
    seen = Station.objects.get().last_seen_at
    assert seen is not None
    assert seen > booted
