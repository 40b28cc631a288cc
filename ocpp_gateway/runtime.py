"""What one gateway process has besides its sockets: threads, writer, outbox, tick, its own row."""

import asyncio
import gc
import math
import os
import socket as network
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from chargepoints.services.anomalies import record_many
from chargepoints.services.presence import record_seen
from csms.common.clock import now
from csms.common.identifiers import uuid7
from ocpp_gateway import nudges
from ocpp_gateway.guessing import GuessLimits
from ocpp_gateway.limits import Gate
from ocpp_gateway.outbox import Outbox
from ocpp_gateway.presence import Presence
from ocpp_gateway.services import leases
from ocpp_gateway.station_socket import POLICY_VIOLATION, SERVICE_RESTART, StationSocket
from ocpp_gateway.telemetry import TelemetryWriter
from ocpp_gateway.threads import DatabaseThreads

logger = structlog.get_logger(__name__)
TICK_SECONDS = 1.0
RECONNECT_SECONDS = 2.0
DRAIN_SECONDS = 15
# A charger that answers no pings is there as long as one of so many heartbeats comes through.
QUIET_INTERVALS = 3


def tune_interpreter() -> None:
    """Fit CPython to many small messages beside a few busy threads.

    What is loaded now stays for ever: the collector need not look at it again. And 10,000 messages
    a second make a million short-lived objects that are no garbage cycles. A thread that computes
    gives way after a fifth of the usual 5 ms, or every answer would wait for all of them in turn.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.001)


class Runtime:
    """One per process. Everything here runs in the event loop that started it."""

    def __init__(self) -> None:
        self.node_id = uuid7()
        self.loop = asyncio.get_running_loop()
        self.presence = Presence()
        self.business = DatabaseThreads("business", settings.OCPP_BUSINESS_THREADS)
        # Whatever comes and goes at once, some threads are for who is there and charges.
        self.arrivals = asyncio.Semaphore(max(1, settings.OCPP_BUSINESS_THREADS * 3 // 4))
        # Whatever one address does, the other threads are for everybody else.
        self.gate = Gate(max(1, settings.OCPP_BUSINESS_THREADS // 2), self.arrivals)
        self.guesses = GuessLimits(settings.OCPP_REFUSED_CARDS_BURST)
        self.telemetry = TelemetryWriter(
            capacity=settings.OCPP_TELEMETRY_QUEUE_SIZE,
            batch_size=settings.OCPP_TELEMETRY_BATCH_SIZE,
            writers=settings.OCPP_TELEMETRY_WRITERS if connection.vendor == "postgresql" else 1,
        )
        # Each has a thread of its own, so that nothing that takes long makes the process seem dead.
        self._heartbeat = DatabaseThreads("heartbeat", 1)
        self._housekeeping = DatabaseThreads("housekeeping", 1)
        self._outbox_tick = DatabaseThreads("outbox", 1)
        self.outbox = Outbox(self.presence, self.business, self._outbox_tick)
        self.is_draining = False
        self._tasks: list[asyncio.Task[None]] = []
        # Strong references: the event loop itself keeps none to its tasks.
        self._errands: set[asyncio.Task[None]] = set()
        self._started_at = now()
        # By the loop's clock: the system's may be set back, and a silent process counts as dead.
        self._last_beat = self._last_housekeeping = -math.inf
        self._without_socket: set[tuple[int, int]] = set()
        self._channel = ""
        self._empty = asyncio.Event()

    # --- life

    async def start(self) -> None:
        tune_interpreter()
        try:
            await self._beat(now())
        except (OperationalError, InterfaceError) as error:
            logger.error("gateway_starts_without_database", error=str(error))
        self.telemetry.start()
        self._tasks = [
            asyncio.create_task(self._repeat(self._beat_if_due), name="gateway-heartbeat"),
            asyncio.create_task(self._repeat(self._keep_house), name="gateway-housekeeping"),
            asyncio.create_task(self._repeat(self.outbox.tick), name="gateway-tick"),
            asyncio.create_task(self._listen(), name="gateway-nudges"),
        ]
        nudges.add_listener(self)
        logger.info("gateway_started", node=str(self.node_id))

    async def drain(self) -> None:
        """Let every message in flight finish and close the sockets with 1012."""
        self.is_draining = True
        sockets = list(self.presence)
        if sockets:
            logger.info("gateway_drains", sockets=len(sockets))
        for socket in sockets:
            if not socket.is_busy:  # the others close themselves after their message
                # Each for itself: one that does not read takes its time.
                self.run_errand(socket.close(SERVICE_RESTART, "service restart"))
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while len(self.presence):
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            logger.error("gateway_did_not_drain", sockets=len(self.presence))

    async def stop(self) -> None:
        """Drain, write what is left, and leave nothing running."""
        await self.drain()
        nudges.remove_listener(self)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._errands, return_exceptions=True)
        await self.outbox.stop()
        await self.telemetry.stop()
        # A beat that is still under way would bring back the row of this process.
        await asyncio.to_thread(self._heartbeat.close)
        await self._last_words()
        for threads in (self.business, self._housekeeping, self._outbox_tick):
            await asyncio.to_thread(threads.close)
        logger.info("gateway_stopped", node=str(self.node_id))

    async def _last_words(self) -> None:
        try:
            await self._flush(now())
            await self._housekeeping.call(leases.forget, self.node_id)
        except (OperationalError, InterfaceError) as error:
            logger.error("gateway_stops_without_database", error=str(error))

    def run_errand(self, errand: Awaitable[None]) -> None:
        """Let `errand` run beside whoever asks for it."""
        task = asyncio.ensure_future(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    # --- sockets

    def welcome(self, socket: StationSocket, has_rival: bool) -> None:
        """Register an accepted socket; the station's older one closes, wherever it is."""
        replaced = self.presence.add(socket)
        if replaced is not None:
            self._supersede(replaced)
        if has_rival:
            self.run_errand(nudges.broadcast(nudges.superseded(socket.station_id, socket.epoch)))

    def _supersede(self, socket: StationSocket) -> None:
        logger.warning("connection_superseded", identity=socket.identity, epoch=socket.epoch)
        self.presence.remove(socket)
        socket.is_closed = True  # at once: nothing of it may be handled any more
        self.run_errand(socket.close(POLICY_VIOLATION, "replaced by a newer connection"))

    async def part(self, socket: StationSocket, code: int | None) -> None:
        """Forget a socket that is gone. Only the station's newest one changes what is stored."""
        socket.is_closed = True
        self.presence.remove(socket)
        key, end = (socket.station_id, socket.epoch), (code, now())
        try:
            async with self.arrivals:
                await self.business.call(leases.release, *key, code=end[0], at=end[1])
        except (OperationalError, InterfaceError) as error:
            self.presence.unreleased[key] = end
            logger.warning("lease_not_released_yet", identity=socket.identity, error=str(error))
        if not len(self.presence):
            self._empty.set()

    # --- nudges

    async def _listen(self) -> None:
        """Hear of commands and of sockets taken over; a dead Redis costs only latency."""
        layer = get_channel_layer()
        is_down = False
        while True:
            try:
                self._channel = await layer.new_channel()
                await layer.group_add(nudges.GROUP, self._channel)
                if is_down:
                    logger.info("channel_layer_is_back")
                is_down = False
                while True:
                    self.hear(await layer.receive(self._channel))
            except Exception as error:
                if not is_down:
                    logger.warning("channel_layer_is_down", error=str(error))
                is_down = True
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _renew_membership(self) -> None:
        """Channel layers forget the members of their groups."""
        try:
            async with asyncio.timeout(RECONNECT_SECONDS):
                await get_channel_layer().group_add(nudges.GROUP, self._channel)
        except Exception as error:
            logger.warning("channel_layer_is_down", error=str(error))

    def hear(self, message: dict[str, Any]) -> None:
        """React to a nudge. In the event loop of this runtime."""
        station_id = message.get("station_id")
        socket = self.presence.get(station_id) if isinstance(station_id, int) else None
        if socket is None:
            return
        kind = message.get("type")
        if kind == nudges.ARCHIVED:
            self.run_errand(socket.close(POLICY_VIOLATION, "the station is archived"))
        elif kind == nudges.UNAUTHENTICATED:
            self.run_errand(socket.close(POLICY_VIOLATION, "sign in again"))
        elif kind == nudges.SUPERSEDED:
            if socket.epoch < message["epoch"]:
                self._supersede(socket)
        else:
            self.outbox.wake(socket.station_id)

    # --- tick

    async def _repeat(self, duty: Callable[[datetime], Awaitable[None]]) -> None:
        """Do `duty` at every tick, whatever became of it before and whatever others do."""
        is_down = False
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await duty(now())
                is_down = False
            except (OperationalError, InterfaceError) as error:
                if not is_down:
                    logger.error("tick_database_is_down", error=str(error))
                is_down = True
            except Exception:
                logger.exception("tick_failed")

    async def _beat_if_due(self, at: datetime) -> None:
        if self.loop.time() - self._last_beat >= leases.NODE_HEARTBEAT.total_seconds():
            await self._beat(at)

    async def _keep_house(self, at: datetime) -> None:
        """Once after each beat: leases can only be taken back while the process has its row."""
        if self._last_housekeeping < self._last_beat:
            self._last_housekeeping = self._last_beat
            self._watch_quiet(at)
            await self._flush(at)
            await self._check_leases(at)
            if self._channel:
                self.run_errand(self._renew_membership())

    async def _beat(self, at: datetime) -> None:
        await self._heartbeat.call(
            leases.beat,
            self.node_id,
            host=network.gethostname(),
            process_id=os.getpid(),
            started_at=self._started_at,
            at=at,
        )
        self._last_beat = self.loop.time()

    def _watch_quiet(self, at: datetime) -> None:
        """Close chargers that answer no pings (case 12) once they say nothing any more."""
        longest = QUIET_INTERVALS * timedelta(seconds=settings.OCPP_HEARTBEAT_INTERVAL_SECONDS)
        for socket in self.presence:
            if socket.is_closed or socket.quirks is None or not socket.quirks.answers_no_pings:
                continue
            missed = socket.take_missed_pings()
            if missed:
                detail = f"{missed} since the last look"
                self.presence.deviated(socket.station_id, "ping_unanswered", detail, at)
            socket.heard_at = self.presence.seen.get(socket.station_id, socket.heard_at)
            if at - socket.heard_at > longest:
                self.run_errand(socket.close(POLICY_VIOLATION, "silent for too long"))

    async def _flush(self, at: datetime) -> None:
        """Write what was gathered: when stations were heard, deviations, ends of leases."""
        if seen := self.presence.take_seen():
            left = seen
            try:
                left = await self._housekeeping.call(record_seen, seen)
            finally:
                self.presence.not_written(left)
        if deviations := self.presence.take_deviations():
            await self._housekeeping.call(record_many, deviations)
        while self.presence.unreleased:
            key, end = next(iter(self.presence.unreleased.items()))
            await self._housekeeping.call(leases.release, *key, code=end[0], at=end[1])
            self.presence.unreleased.pop(key, None)

    async def _check_leases(self, at: datetime) -> None:
        """Make sockets and leases agree again.

        Close what may not be open any more, take back what a sweeper released, and release what
        no socket stands for.
        """
        held = await self._housekeeping.call(leases.held_by, self.node_id)
        for socket in self.presence:
            if socket.is_closed or held.get(socket.station_id) == socket.epoch:
                continue
            if socket.connected_at >= at:  # accepted since the leases were read
                continue
            is_mine = await self._housekeeping.call(
                leases.reclaim, socket.station_id, socket.epoch, self.node_id, at
            )
            if not is_mine:
                self._supersede(socket)
        await self._release_abandoned(held, at)

    async def _release_abandoned(self, held: dict[int, int], at: datetime) -> None:
        """Release what no socket has at two looks: at the first it may be about to be accepted."""
        without_socket = {lease for lease in held.items() if self.presence.get(lease[0]) is None}
        for station_id, epoch in without_socket & self._without_socket:
            logger.warning("lease_without_socket", station_id=station_id, epoch=epoch)
            await self._housekeeping.call(leases.release, station_id, epoch, code=None, at=at)
        self._without_socket = without_socket


_runtimes: dict[asyncio.AbstractEventLoop, "asyncio.Task[Runtime]"] = {}


async def _make() -> Runtime:
    runtime = Runtime()
    await runtime.start()
    return runtime


async def current() -> Runtime:
    """Return this event loop's runtime; the first caller starts it."""
    loop = asyncio.get_running_loop()
    if loop not in _runtimes:
        _runtimes[loop] = asyncio.create_task(_make(), name="gateway-start")
    return await asyncio.shield(_runtimes[loop])


async def shut_down() -> None:
    """Stop this event loop's runtime, if it has one."""
    starting = _runtimes.pop(asyncio.get_running_loop(), None)
    if starting is not None:
        await (await starting).stop()


async def drain() -> None:
    """Close the sockets of this event loop's runtime, if it has one, and keep it running."""
    starting = _runtimes.get(asyncio.get_running_loop())
    if starting is not None:
        await (await starting).drain()
