"""Commands from their rows to the charger and back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test import override_settings

from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station, StationAnomaly
from chargepoints.services import anomalies, commands, effects
from csms.common.clock import now
from csms.common.identifiers import uuid7
from ocpp_gateway import nudges
from ocpp_gateway.protocol.connection import Connection
from ocpp_gateway.services import leases, sending
from ocpp_gateway.services.sending import GATEWAY
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.v16 import outbound, outcomes
from tests.ocpp_gateway.servers import Charger, GatewayServer, charger, running_server, until
from tests.support.factories import make_station
from tests.support.threads import waits_for_a_lock


def request(station: Station, name: str = "clear_cache", **parameters: object) -> Command:
    return commands.request(station, name, parameters, actor=GATEWAY)


def becomes(command: Command, status: CommandStatus) -> Command:
    def has_it() -> bool:
        command.refresh_from_db()
        return command.status == status

    until(has_it)
    return command


def test_a_command_goes_out_and_its_answer_is_stored(socket: Charger, station: Station) -> None:
    command = request(station, "start_charging", id_token="CARD", connector_id=1)
    ours = socket.receive()
    assert ours[2:] == ["RemoteStartTransaction", {"connectorId": 1, "idTag": "CARD"}]
    command.refresh_from_db()
    assert (command.status, command.message_id) == (CommandStatus.SENT, ours[1])
    socket.send([3, ours[1], {"status": "Accepted"}])
    becomes(command, CommandStatus.ACCEPTED)
    assert (command.response, command.sent_epoch) == ({"status": "Accepted"}, 1)


def test_one_command_at_a_time_in_the_order_of_request(socket: Charger, station: Station) -> None:
    queued = [request(station, "get_configuration", keys=[f"key{n}"]) for n in range(3)]
    for number in range(3):
        ours = socket.receive()
        assert ours[3] == {"key": [f"key{number}"]}
        assert Command.objects.filter(status=CommandStatus.SENT).count() == 1
        socket.send([3, ours[1], {"unknownKey": [f"key{number}"]}])
        becomes(queued[number], CommandStatus.ACCEPTED)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        ([3, {"status": "Rejected"}], CommandStatus.REJECTED, "Rejected"),
        ([3, {"status": "Perhaps"}], CommandStatus.FAILED, "answered, invalid"),
        ([3, None], CommandStatus.FAILED, "answered, invalid"),
        ([4, "NotImplemented", "", {}], CommandStatus.REJECTED, "NotImplemented"),
        ([4, "GenericError", "why", "text"], CommandStatus.FAILED, "GenericError: why"),
        ([4, None, None, None], CommandStatus.FAILED, "CALLERROR"),
    ],
)
def test_case_29_every_answer_ends_the_command(
    socket: Charger, station: Station, answer: list[object], status: CommandStatus, error: str
) -> None:
    command = request(station)
    ours = socket.receive()
    socket.send([answer[0], ours[1], *answer[1:]])
    assert error in becomes(command, status).error


def test_case_29_an_answer_that_nobody_can_read_ends_the_command_and_blocks_nothing(
    socket: Charger, station: Station
) -> None:
    nothing = request(station, "get_configuration")
    unreadable = request(station, "get_configuration")
    ours = socket.receive()
    socket.send([3, ours[1], {"configurationKey": [None]}])
    assert "answered, invalid" in becomes(nothing, CommandStatus.FAILED).error
    ours = socket.receive()

    def fail(*_answer: object) -> dict[str, object]:
        raise TypeError("odd")

    with mock.patch.dict(outcomes._READERS, {"GetConfiguration": fail}):
        socket.send([3, ours[1], {"configurationKey": []}])
        error = becomes(unreadable, CommandStatus.FAILED).error
    assert error == "answered, invalid: TypeError('odd')"
    request(station)
    assert socket.receive()[2] == "ClearCache"


@override_settings(OCPP_CALL_TIMEOUT_SECONDS=1)
def test_an_answer_that_cannot_be_stored_ends_neither_the_socket_nor_the_outbox(
    socket: Charger, station: Station
) -> None:
    command = request(station)
    ours = socket.receive()
    with mock.patch.object(sending, "settle", side_effect=ValueError("odd")) as settle:
        socket.send([3, ours[1], {"status": "Accepted"}])
        until(lambda: settle.called)
    assert socket.call("Heartbeat", {})
    Command.objects.filter(pk=command.pk).update(sent_at=now() - timedelta(minutes=1))
    assert commands.expire_due(now()) == 1
    becomes(command, CommandStatus.TIMED_OUT)
    request(station)
    assert socket.receive()[2] == "ClearCache"


def test_a_command_that_the_version_does_not_know_fails_and_blocks_nothing(
    socket: Charger, station: Station
) -> None:
    wrong = request(station, "no_such_command")
    right = request(station)
    assert socket.receive()[2] == "ClearCache"
    wrong.refresh_from_db()
    assert wrong.status == CommandStatus.FAILED
    assert right.status == CommandStatus.QUEUED


def test_a_command_that_cannot_be_built_fails_and_leaves_nothing_of_it(
    socket: Charger, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(command: Command) -> dict[str, object]:
        anomalies.record(command.station_id, "half", "", now())
        raise KeyError("what is missing")

    monkeypatch.setitem(effects._effects, "reset", effects.Effects(completed=half))
    wrong = request(station, "reset", type="soft")
    request(station)
    assert socket.receive()[2] == "ClearCache"
    wrong.refresh_from_db()
    assert (wrong.status, "what is missing" in wrong.error) == (CommandStatus.FAILED, True)
    assert not StationAnomaly.objects.exists()


def test_a_command_that_no_frame_can_hold_fails_before_it_counts_as_sent(
    socket: Charger, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API refuses it; one that was stored before must not keep up those behind it."""
    monkeypatch.setattr(outbound, "_number_errors", lambda *_payload: [])
    wrong = request(
        station, "ocpp", action="RemoteStopTransaction", payload={"transactionId": 10**30}
    )
    request(station)
    assert socket.receive()[2] == "ClearCache"
    wrong.refresh_from_db()
    assert (wrong.status, wrong.sent_at) == (CommandStatus.FAILED, None)
    assert "Not built" in wrong.error


def test_a_command_whose_frame_cannot_be_made_has_failed_at_once(
    socket: Charger, station: Station
) -> None:
    with mock.patch.object(Connection, "open_call", side_effect=TypeError("odd")):
        wrong = request(station, "reset", type="soft")
        error = becomes(wrong, CommandStatus.FAILED).error
    assert error == "Not sent: TypeError('odd')"
    request(station)
    assert socket.receive()[2] == "ClearCache"


def test_queued_while_offline_goes_out_after_the_boot_unless_it_expired(
    server: GatewayServer, station: Station
) -> None:
    late = request(station, "reset", type="soft")
    request(station)
    Command.objects.filter(pk=late.pk).update(expires_at=now() - timedelta(seconds=1))
    assert commands.expire_due(now()) == 1
    with charger(server, station) as socket:
        socket.boot()
        assert socket.receive()[2] == "ClearCache"
    late.refresh_from_db()
    assert late.status == CommandStatus.EXPIRED


def test_a_lost_nudge_costs_only_the_tick(socket: Charger, station: Station) -> None:
    with mock.patch.object(nudges, "broadcast", side_effect=ConnectionError("Redis is down")):
        request(station)
    assert socket.receive()[2] == "ClearCache"


@override_settings(OCPP_CALL_TIMEOUT_SECONDS=1)
def test_case_27_a_late_answer_settles_what_timed_out(socket: Charger, station: Station) -> None:
    command = request(station, "start_charging", id_token="CARD")
    ours = socket.receive()
    becomes(command, CommandStatus.TIMED_OUT)
    following = request(station)
    assert socket.receive()[2] == "ClearCache"  # and not the same once more
    socket.send([3, ours[1], {"status": "Accepted"}])
    assert becomes(command, CommandStatus.ACCEPTED).is_late
    following.refresh_from_db()
    assert following.status == CommandStatus.SENT


def test_case_11_what_was_in_flight_has_an_unknown_outcome_when_the_socket_ends(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        command = request(station, "start_charging", id_token="CARD")
        ours = socket.receive()
    becomes(command, CommandStatus.TIMED_OUT)
    with charger(server, station) as socket:
        socket.boot()
        assert socket.call("Heartbeat", {})  # nothing was sent again before this answer
        socket.send([3, ours[1], {"status": "Accepted"}])
        assert becomes(command, CommandStatus.ACCEPTED).is_late


# --- A process that dies between claiming and sending -------------------------------------------


@pytest.fixture
def dead_node(transactional_db: None) -> leases.Lease:
    station = make_station("TH-DEAD-0001")
    node = uuid7()
    long_ago = now() - timedelta(minutes=5)
    leases.beat(node, host="gone", process_id=1, started_at=long_ago, at=long_ago)
    return leases.take(station.pk, node, version="ocpp1.6", address="", at=long_ago)


def test_a_crash_between_claim_and_send_never_sends_twice(dead_node: leases.Lease) -> None:
    station = Station.objects.get()
    command = request(station, "start_charging", id_token="CARD")
    assert sending.prepare(station.pk, dead_node.epoch, V16) is not None
    command.refresh_from_db()
    assert (command.status, bool(command.message_id)) == (CommandStatus.SENT, True)
    assert leases.release_dead_nodes(now()) == 1
    command.refresh_from_db()
    station.refresh_from_db()
    assert (command.status, station.is_online) == (CommandStatus.TIMED_OUT, False)
    with running_server() as server, charger(server, station) as socket:
        socket.boot()
        following = request(station)
        assert socket.receive()[2] == "ClearCache"
        following.refresh_from_db()
        assert following.sent_epoch == 2


def test_an_old_epoch_claims_nothing(dead_node: leases.Lease) -> None:
    station = Station.objects.get()
    request(station)
    another = uuid7()
    leases.beat(another, host="here", process_id=2, started_at=now(), at=now())
    newer = leases.take(station.pk, another, version="ocpp1.6", address="", at=now())
    assert newer.rival is not None
    assert sending.prepare(station.pk, dead_node.epoch, V16) is None
    assert sending.prepare(station.pk, newer.epoch, V16) is not None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no locks of rows")
def test_what_is_claimed_while_another_process_takes_over_is_given_up_with_the_rest(
    dead_node: leases.Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older socket has seen that it holds the lease, and stores what it sends after that."""
    station = Station.objects.get()
    command = request(station, "start_charging", id_token="CARD")
    another = uuid7()
    leases.beat(another, host="here", process_id=2, started_at=now(), at=now())
    has_looked, may_claim = threading.Event(), threading.Event()
    claim_next = commands.claim_next

    def claim_later(station_id: int, *, epoch: int) -> Command | None:
        has_looked.set()
        assert may_claim.wait(30)
        return claim_next(station_id, epoch=epoch)

    def prepare() -> sending.Outgoing | None:
        try:
            return sending.prepare(station.pk, dead_node.epoch, V16)
        finally:
            connection.close()

    def take() -> leases.Lease:
        try:
            return leases.take(station.pk, another, version="ocpp1.6", address="", at=now())
        finally:
            connection.close()

    monkeypatch.setattr(commands, "claim_next", claim_later)
    with ThreadPoolExecutor(2) as pool:
        prepared = pool.submit(prepare)
        assert has_looked.wait(30)
        taken = pool.submit(take)
        until(lambda: taken.done() or waits_for_a_lock())
        may_claim.set()
        assert prepared.result(30) is not None
        assert taken.result(30).epoch == dead_node.epoch + 1
    command.refresh_from_db()
    assert (command.sent_epoch, command.status) == (dead_node.epoch, CommandStatus.TIMED_OUT)
