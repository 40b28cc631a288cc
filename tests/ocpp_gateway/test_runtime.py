"""What a gateway process does for itself, whatever its chargers keep it busy with."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.test import override_settings

from chargepoints.domain.reports import BootReport
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from chargepoints.services import commands
from csms.common.clock import now
from ocpp_gateway import dispatch, runtime
from ocpp_gateway.models import GatewayNode, StationConnection
from ocpp_gateway.runtime import Runtime
from ocpp_gateway.services import leases
from ocpp_gateway.services.sending import GATEWAY
from ocpp_gateway.station_socket import StationSocket
from tests.ocpp_gateway.servers import BOOT, Charger, GatewayServer, charger, until
from tests.support.factories import make_station


@pytest.fixture
def process(server: GatewayServer, socket: Charger) -> Runtime:
    """The runtime of the server that a charger is connected to."""
    (started,) = [task.result() for task in runtime._runtimes.values() if task.done()]
    return started


@pytest.fixture
def busy_process(process: Runtime) -> Iterator[Runtime]:
    """All threads for the messages of chargers are busy, and stay so."""
    count = settings.OCPP_BUSINESS_THREADS
    everybody, is_over = threading.Barrier(count + 1), threading.Event()

    def work() -> None:
        everybody.wait(30)
        is_over.wait(30)

    busy = [
        asyncio.run_coroutine_threadsafe(process.business.call(work), process.loop)
        for _thread in range(count)
    ]
    everybody.wait(30)
    try:
        yield process
    finally:
        is_over.set()
        for thread in busy:
            thread.result(30)


def is_heard_after(moment: datetime) -> bool:
    return GatewayNode.objects.filter(heartbeat_at__gt=moment).exists()


def test_a_process_is_heard_while_all_its_threads_are_busy(
    busy_process: Runtime, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "NODE_HEARTBEAT", timedelta(0))
    commands.request(station, "clear_cache", {}, actor=GATEWAY)
    for _beat in range(2):  # the first may have been under way
        before = now()
        until(partial(is_heard_after, before))
    assert leases.release_dead_nodes(now()) == 0


def test_boots_of_all_at_once_leave_threads_to_who_is_there(
    server: GatewayServer, socket: Charger
) -> None:
    """After a power cut thousands boot; who stands at a charger elsewhere waits for none."""
    share = settings.OCPP_BUSINESS_THREADS * 3 // 4
    are_busy, is_over = threading.Barrier(share + 1), threading.Event()

    def boot(connected: StationSocket, report: BootReport) -> Any:
        if not is_over.is_set():
            are_busy.wait(30)
        is_over.wait(30)
        return dispatch._boot(connected, report)

    slow = dispatch.ROUTES[BootReport]._replace(handler=boot)
    with ExitStack() as stack:
        # Let in before: handshakes wait behind the boots.
        crowd = [
            stack.enter_context(charger(server, make_station()))
            for _charger in range(settings.OCPP_BUSINESS_THREADS + 1)
        ]
        with mock.patch.dict(dispatch.ROUTES, {BootReport: slow}):
            for number, one in enumerate(crowd):
                one.send([2, f"boot-{number}", "BootNotification", BOOT])
            are_busy.wait(30)
            stack.callback(is_over.set)
            answer = socket.call("Authorize", {"idTag": "NOBODY"})
            assert answer["idTagInfo"]["status"] == "Invalid"
            is_over.set()
            for one in crowd:
                assert one.receive()[2]["status"] == "Accepted"


@override_settings(OCPP_CALL_TIMEOUT_SECONDS=1)
def test_a_command_times_out_while_all_threads_are_busy(
    process: Runtime, socket: Charger, station: Station, request: pytest.FixtureRequest
) -> None:
    command = commands.request(station, "clear_cache", {}, actor=GATEWAY)
    assert socket.receive()[2] == "ClearCache"
    request.getfixturevalue("busy_process")
    until(lambda: Command.objects.get(pk=command.pk).status == CommandStatus.TIMED_OUT)


def test_a_lease_that_no_socket_stands_for_is_released_at_the_second_look(
    process: Runtime, socket: Charger, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def released() -> bool:
        return StationConnection.objects.get().closed_at is not None

    lost = process.presence.get(station.pk)
    assert lost is not None

    def look(at_once: dict[int, int]) -> None:
        look = process._release_abandoned(at_once, now())
        asyncio.run_coroutine_threadsafe(look, process.loop).result(30)

    monkeypatch.setattr(leases, "NODE_HEARTBEAT", timedelta(days=1))
    held = leases.held_by(process.node_id)
    look(held)
    look(held)
    assert not released()
    process.presence.remove(lost)
    look(held)
    assert not released()
    look({station.pk: lost.epoch + 1})
    look(held)
    assert not released()
    monkeypatch.setattr(leases, "NODE_HEARTBEAT", timedelta(0))
    until(released)
    assert not Station.objects.get().is_online
