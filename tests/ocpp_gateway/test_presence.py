"""One socket per station, the newest authenticated one; and what a process leaves behind."""

import contextlib
import os
import signal
import socket as network
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from chargepoints.models import Station
from chargepoints.services import archiving, commands
from csms.common.clock import now
from csms.common.identifiers import uuid7
from ocpp_gateway import nudges
from ocpp_gateway.models import GatewayNode, StationConnection
from ocpp_gateway.services import leases
from ocpp_gateway.services.sending import GATEWAY
from tests.ocpp_gateway.servers import (
    Charger,
    GatewayServer,
    charger,
    running_server,
    start_of,
    until,
)
from tests.support.factories import make_station
from transactions.models import Reading, Session


def is_online(station: Station) -> bool:
    return Station.objects.get(pk=station.pk).is_online


def test_a_connection_is_seen_from_upgrade_to_end(server: GatewayServer, station: Station) -> None:
    with charger(server, station) as socket:
        socket.boot()
        held = StationConnection.objects.select_related("node").get()
        assert (held.epoch, held.version, held.closed_at) == (1, "ocpp1.6", None)
        assert held.node is not None
        assert held.node.process_id == os.getpid()
        assert is_online(station)
    until(lambda: not is_online(station))
    assert StationConnection.objects.get().closed_at is not None


def test_case_09_the_newest_socket_wins_and_the_close_of_the_old_is_harmless(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as old, charger(server, station) as new:
        assert old.close_code() == 1008
        assert new.boot()["status"] == "Accepted"
        commands.request(station, "clear_cache", {}, actor=GATEWAY)
        assert new.receive()[2] == "ClearCache"
        held = StationConnection.objects.get()
        assert (held.epoch, held.closed_at, is_online(station)) == (2, None, True)


@pytest.mark.django_db
def test_a_clock_that_is_set_back_keeps_no_station_online() -> None:
    station, node_id, connected_at = make_station(), uuid7(), now()
    leases.beat(node_id, host="here", process_id=1, started_at=connected_at, at=connected_at)
    epochs = [
        leases.take(
            station.pk, node_id, version="ocpp1.6", address="192.0.2.1", at=connected_at
        ).epoch
        for _socket in range(2)
    ]
    set_back = connected_at - timedelta(hours=1)
    assert not leases.release(station.pk, epochs[0], code=1006, at=set_back)
    assert is_online(station)
    assert leases.release(station.pk, epochs[1], code=1006, at=set_back)
    assert not is_online(station)


def lose_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process hears of anything; each looks at its leases at every tick instead."""
    monkeypatch.setattr(leases, "NODE_HEARTBEAT", timedelta(0))

    async def lost(_message: object) -> None: ...

    monkeypatch.setattr(nudges, "broadcast", lost)


@pytest.mark.parametrize("is_nudge_lost", [False, True])
def test_case_10_also_when_the_old_socket_is_in_another_process(
    server: GatewayServer,
    station: Station,
    is_nudge_lost: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_nudge_lost:
        lose_nudges(monkeypatch)
    with (
        running_server() as another,
        charger(server, station) as old,
        charger(another, station) as new,
    ):
        new.boot()
        assert old.close_code() == 1008
        commands.request(station, "clear_cache", {}, actor=GATEWAY)
        assert new.receive()[2] == "ClearCache"
        held = StationConnection.objects.get()
        assert (held.epoch, held.closed_at, is_online(station)) == (2, None, True)


def test_a_process_that_was_only_silent_takes_its_leases_back(
    server: GatewayServer, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    with charger(server, station) as socket:
        socket.boot()
        GatewayNode.objects.update(heartbeat_at=now() - timedelta(minutes=1))
        assert leases.release_dead_nodes(now()) == 1
        assert not is_online(station)
        monkeypatch.setattr(leases, "NODE_HEARTBEAT", timedelta(0))
        until(lambda: is_online(station))
        assert StationConnection.objects.get().closed_at is None
        assert socket.call("Heartbeat", {})


@pytest.mark.parametrize("is_nudge_lost", [False, True])
def test_the_socket_of_an_archived_station_is_closed(
    server: GatewayServer,
    station: Station,
    is_nudge_lost: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_nudge_lost:
        lose_nudges(monkeypatch)
    with charger(server, station) as socket:
        socket.boot()
        archiving.archive_station(station, actor=GATEWAY)
        assert socket.close_code() == 1008
    until(lambda: not is_online(station))


def test_shutdown_finishes_messages_in_flight_and_closes_with_1012(station: Station) -> None:
    with running_server() as server, charger(server, station) as socket:
        socket.boot()
        socket.send([2, "last", "StartTransaction", start_of("CARD", 0)])
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert socket.close_code() == 1012
        stopping.join()
    assert not is_online(station)
    assert not GatewayNode.objects.exists()


# --- A process of its own, to be killed ---------------------------------------------------------


@contextlib.contextmanager
def gateway_process(port: int) -> Iterator[subprocess.Popen[bytes]]:
    database = connection.settings_dict
    if connection.vendor == "postgresql":
        user, host = database["USER"], database["HOST"]
        secret = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
        url = f"postgres://{user}{secret}@{host}:{database['PORT'] or 5432}/{database['NAME']}"
    else:
        url = f"sqlite:///{database['NAME']}"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=Path(__file__).parents[2],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "csms.settings.local",
            "DATABASE_URL": url,
            "REDIS_URL": settings.REDIS_URL,
            "CSMS_VAR_DIR": str(settings.DATA_DIR / "var"),
            "LOG_LEVEL": "WARNING",
        },
    )
    try:
        until(lambda: is_listening(port) or process.poll() is not None, 30)
        assert process.poll() is None
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), network.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def free_port() -> int:
    with network.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class At:
    """A gateway in a process of its own."""

    def __init__(self, port: int) -> None:
        self.address = f"ws://127.0.0.1:{port}"


def measure(socket: Charger, transaction: int, energy: int) -> None:
    sample = {"value": str(energy)}
    meter = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sample]}
    socket.call(
        "MeterValues",
        {"connectorId": 1, "transactionId": transaction, "meterValue": [meter]},
    )


def test_kill_9_in_mid_session_loses_nothing_that_was_answered(station: Station) -> None:
    port = free_port()
    with gateway_process(port) as process, charger(At(port), station) as socket:
        socket.boot()
        start = start_of("CARD", 1000)
        transaction = socket.call("StartTransaction", start)["transactionId"]
        measure(socket, transaction, 1500)
        process.kill()
        process.wait()
    with gateway_process(port) as process, charger(At(port), station) as socket:
        # No boot: the network was gone, not the charger. The answer to the start was lost.
        assert socket.call("StartTransaction", start)["transactionId"] == transaction
        measure(socket, transaction, 2000)
        socket.stop(transaction, 2500)
        process.send_signal(signal.SIGTERM)
        assert socket.close_code() == 1012
        assert process.wait(25) in (0, -signal.SIGTERM)
    session = Session.objects.get()
    assert (session.pk, session.state) == (transaction, "ENDED")
    assert set(Reading.objects.values_list("energy_wh", "session_id")) == {
        (1500, transaction),
        (2000, transaction),
    }
