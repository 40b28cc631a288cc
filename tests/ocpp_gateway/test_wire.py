"""Frames over a real socket: what is answered, what is stored, and that the socket lives on."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from websockets.exceptions import ConnectionClosed

from accounts.domain.states import IdTokenStatus
from chargepoints.models import Connector, ConnectorStatusEvent, Station, StationAnomaly
from chargepoints.services import commands
from ocpp_gateway.models import Message
from ocpp_gateway.services import leases
from ocpp_gateway.services.sending import GATEWAY
from tests.ocpp_gateway.servers import (
    BOOT,
    Charger,
    GatewayServer,
    charger,
    start_of,
    stop_of,
    timestamp,
    until,
)
from tests.support.factories import connector_of, make_id_token, make_station
from transactions.domain.states import SessionState
from transactions.models import Reading, ReviewItem, Session


def meter_values(energy: int, **fields: Any) -> dict[str, Any]:
    sample = {"value": str(energy), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": timestamp(), "sampledValue": [sample]}],
        **fields,
    }


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
def test_a_start_on_a_connector_that_no_station_has_is_the_chargers_fault(
    socket: Charger, station: Station, connector: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "NODE_HEARTBEAT", timedelta(0))
    start = start_of("CARD", 0, connectorId=connector)
    answer = socket.exchange([2, "a", "StartTransaction", start])
    assert answer[:3] == [4, "a", "PropertyConstraintViolation"]
    assert not Session.objects.exists()
    found = until(lambda: StationAnomaly.objects.filter(kind="call_refused").first())
    assert "StartTransaction" in found.detail


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


def test_oversize_and_binary_frames_close_only_their_own_socket(
    server: GatewayServer, station: Station, socket: Charger
) -> None:
    with charger(server, make_station()) as other:
        with suppress(ConnectionClosed):  # the server does not wait for all of it
            other.send("x" * 4_000_001)
        assert other.close_code() == 1009
    with charger(server, make_station()) as other:
        other.send(b"\x00\x01")
        assert other.close_code() == 1003
    assert socket.call("Heartbeat", {})["currentTime"]


# --- Boot ---------------------------------------------------------------------------------------


def test_case_31_a_pending_charger_gets_only_what_helps_it_to_boot(
    server: GatewayServer, station: Station
) -> None:
    Station.objects.update(registration_status="Pending")
    with charger(server, station) as socket:
        assert socket.boot()["status"] == "Pending"
        refusal = socket.exchange([2, "a", "StartTransaction", start_of("CARD", 1)])
        assert refusal[:2] == [4, "a"]
        assert not Session.objects.exists()
        start = commands.request(station, "start_charging", {"id_token": "CARD"}, actor=GATEWAY)
        commands.request(station, "get_configuration", {}, actor=GATEWAY)
        ours = socket.receive()
        assert ours[2] == "GetConfiguration"
        socket.send([3, ours[1], {"configurationKey": []}])
        start.refresh_from_db()
        assert start.status == "FAILED"


def test_case_32_nothing_is_sent_before_the_boot_is_answered(
    server: GatewayServer, station: Station
) -> None:
    commands.request(station, "clear_cache", {}, actor=GATEWAY)
    with charger(server, station) as socket:
        with pytest.raises(TimeoutError):
            socket.receive(timeout=1.5)  # longer than a tick
        socket.send([2, "boot", "BootNotification", BOOT])
        assert socket.receive()[:2] == [3, "boot"]
        assert socket.receive()[2] == "ClearCache"


@override_settings(OCPP_BOOT_GRACE_SECONDS=0)
def test_case_32_and_82_a_charger_that_does_not_boot_is_online_and_asked_to(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as socket:
        ours = socket.receive()
        assert ours[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
        assert socket.call("StartTransaction", start_of("CARD", 1))["transactionId"]


def test_case_33_and_34_odd_boots_are_accepted_and_noted(socket: Charger, station: Station) -> None:
    answer = socket.boot(chargePointSerialNumber="9" * 26, chargePointModel="", custom=1)
    assert answer["status"] == "Accepted"
    socket.boot(chargePointVendor="<script>alert(1)</script>")
    kinds = set(StationAnomaly.objects.values_list("kind", flat=True))
    assert "identity_changed" in kinds
    assert Station.objects.get().serial_number == "9" * 26


# --- Status -------------------------------------------------------------------------------------


def status(name: str = "Available", connector: int = 1, **fields: Any) -> dict[str, Any]:
    return {"connectorId": connector, "errorCode": "NoError", "status": name, **fields}


def test_case_35_connectors_appear_by_themselves_exactly_once(
    server: GatewayServer, station: Station
) -> None:
    fresh = make_station(connectors=0)
    with charger(server, fresh) as socket:
        socket.boot()
        for number in range(11):
            socket.send([2, f"s{number}", "StatusNotification", status(connector=number)])
            socket.send([2, f"t{number}", "StatusNotification", status(connector=number)])
        assert [socket.receive()[0] for _answer in range(22)] == [3] * 22
    assert Connector.objects.filter(evse__station=fresh).count() == 10
    fresh.refresh_from_db()
    assert fresh.status == "Available"


def test_case_36_an_older_status_is_history_only(socket: Charger, station: Station) -> None:
    socket.call("StatusNotification", status("Charging", timestamp=timestamp()))
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    socket.call("StatusNotification", status("Preparing", timestamp=earlier))
    assert connector_of(station).status == "Charging"
    socket.call("StatusNotification", status("Finishing"))
    assert connector_of(station).status == "Finishing"
    assert ConnectorStatusEvent.objects.count() == 3


# --- Transactions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "answer"),
    [("GOOD", "Accepted"), ("BAD", "Blocked"), ("OLD", "Expired"), ("NOBODY", "Invalid")],
)
def test_case_42_every_start_is_stored_whatever_the_card(
    socket: Charger, token: str, answer: str
) -> None:
    make_id_token("good")
    make_id_token("bad", status=IdTokenStatus.BLOCKED)
    make_id_token("old", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert socket.call("Authorize", {"idTag": token})["idTagInfo"]["status"] == answer
    started = socket.start(token)
    assert started["idTagInfo"]["status"] == answer
    assert Session.objects.get(pk=started["transactionId"]).id_token_value == token


def test_case_43_and_44_each_start_has_a_transaction_of_its_own(socket: Charger) -> None:
    first = socket.start("A", 100)["transactionId"]
    elsewhere = socket.start("B", 0, connectorId=2)["transactionId"]
    second = socket.start("C", 200)["transactionId"]
    assert len({first, elsewhere, second}) == 3
    ended = Session.objects.get(pk=first)
    assert (ended.state, ended.end_reason) == (SessionState.ENDED, "Superseded")


def test_case_45_and_47_a_stop_is_always_answered_and_counts_once(socket: Charger) -> None:
    make_id_token("CARD", group="FLEET")
    make_id_token("OTHER", group="FLEET")
    began = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    transaction = socket.start("CARD", 1000, timestamp=began)["transactionId"]
    stop = stop_of(transaction, 11_500, idTag="OTHER")
    assert socket.call("StopTransaction", stop)["idTagInfo"]["status"] == "Accepted"
    assert "idTagInfo" not in socket.stop(transaction, 11_500)
    socket.call("StopTransaction", stop)
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 10_500)


def test_case_46_a_stop_of_nothing_is_answered_and_kept(socket: Charger) -> None:
    for transaction in (-1, 0, 987_654_321):
        assert isinstance(socket.stop(transaction, 5), dict)
    assert ReviewItem.objects.filter(kind=ReviewItem.Kind.ORPHAN_STOP).count() == 3


def test_case_55_readings_find_their_session(socket: Charger, station: Station) -> None:
    socket.call("MeterValues", meter_values(1))
    transaction = socket.start()["transactionId"]
    foreign = make_station()
    stranger = Session.objects.create(
        station=foreign,
        connector=connector_of(foreign),
        state=SessionState.ACTIVE,
        started_at=datetime.now(UTC),
    )
    for energy, fields in [
        (2, {"transactionId": transaction}),
        (3, {}),
        (4, {"transactionId": 0}),
        (5, {"transactionId": stranger.pk}),
        (6, {"connectorId": 2}),
        (7, {"connectorId": 0}),
        (8, {"connectorId": 77}),
    ]:
        socket.call("MeterValues", meter_values(energy, **fields))
    stored = dict(Reading.objects.values_list("energy_wh", "session_id"))
    assert stored == {
        1: None,
        **dict.fromkeys([2, 3, 4, 5], transaction),
        **dict.fromkeys([6, 7, 8]),
    }
    connectors = dict(Reading.objects.values_list("energy_wh", "connector_id"))
    assert connectors[2] == connector_of(station).pk
    assert connectors[6] == connector_of(station, 2).pk
    assert connectors[7] is connectors[8] is None


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
