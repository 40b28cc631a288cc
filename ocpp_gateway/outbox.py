"""The way out: commands from the database to the charger's socket, one at a time per charger.

The rows are the truth. A nudge only hurries: the tick finds what a lost nudge left behind.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command
from chargepoints.services import commands
from csms.common.clock import now
from ocpp_gateway.presence import Presence
from ocpp_gateway.protocol.connection import IncomingError, IncomingResult
from ocpp_gateway.protocol.errors import ProtocolStateError
from ocpp_gateway.services import sending
from ocpp_gateway.services.sending import Answer, Outgoing
from ocpp_gateway.station_socket import SocketClosed, StationSocket
from ocpp_gateway.threads import DatabaseThreads
from ocpp_gateway.versions import Adapter

logger = structlog.get_logger(__name__)
MOST_NAMED = 20
MOST_UNSETTLED = 10_000
# After a deploy every charger reconnects at once, and few of them boot: asked in small groups.
BOOT_REQUESTS_PER_TICK = 20


def is_boot_trigger(command: Command) -> bool:
    return command.name == "trigger" and command.parameters.get("message") == "BootNotification"


class Outbox:
    """Sends the commands of the stations whose sockets this process holds."""

    def __init__(
        self, presence: Presence, threads: DatabaseThreads, tick_threads: DatabaseThreads
    ) -> None:
        self._presence = presence
        self._threads = threads
        # A time-out is due also while a storm of messages keeps all the others busy.
        self._tick_threads = tick_threads
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        self._returned: set[int] = set()
        self._looking: asyncio.Task[None] | None = None
        self._waiting: dict[int, StationSocket] = {}
        # Answers that could not be stored, because the database was down.
        self._unsettled: deque[tuple[Answer, Adapter]] = deque(maxlen=MOST_UNSETTLED)

    # --- out

    def look(self, station_id: int) -> None:
        """Send what waits for the station, which may have come back with a thousand others.

        All that come while one question is being answered are asked for in the next.
        """
        self._returned.add(station_id)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._returned:
                returned, self._returned = self._returned, set()
                # To name thousands costs more than to read whose commands wait.
                named = returned if len(returned) <= MOST_NAMED else None
                waiting = await self._threads.call(commands.queued_stations, named)
                for station_id in waiting & returned:
                    self.wake(station_id)
        except (OperationalError, InterfaceError) as error:
            logger.warning("outbox_database_is_down", error=str(error))
        except Exception:
            logger.exception("outbox_failed")

    def wake(self, station_id: int) -> None:
        """Send what waits for the station, if it can be sent now. Never blocks."""
        socket = self._presence.get(station_id)
        if socket is None or not self._may_send(socket):
            return
        if station_id in self._sending:
            self._again.add(station_id)
            return
        self._sending[station_id] = asyncio.create_task(self._drain(socket))

    @staticmethod
    def _may_send(socket: StationSocket) -> bool:
        core = socket.core
        return (
            socket.is_online
            and not socket.is_closed
            and core.in_flight is None
            # The one request that is allowed whenever any is.
            and core.may_send("TriggerMessage")
        )

    async def _drain(self, socket: StationSocket) -> None:
        station_id = socket.station_id
        try:
            while self._may_send(socket) and await self._send_next(socket):
                pass
        except (OperationalError, InterfaceError) as error:
            logger.warning("outbox_database_is_down", error=str(error))
        except Exception:
            logger.exception("outbox_failed", station_id=station_id)
        finally:
            del self._sending[station_id]
            if station_id in self._again:
                self._again.discard(station_id)
                self.wake(station_id)

    async def _send_next(self, socket: StationSocket) -> bool:
        """Send one command; whether it is worth looking for another one at once."""
        outgoing = await self._threads.call(
            sending.prepare, socket.station_id, socket.epoch, socket.adapter, socket.quirks
        )
        if outgoing is None:
            return False
        if outgoing.action:
            await self._send(socket, outgoing)
        return True

    async def _send(self, socket: StationSocket, outgoing: Outgoing) -> None:
        command_id = outgoing.command.pk
        # Before it is sent: whatever happens then, the time-out must find it.
        self._waiting[socket.station_id] = socket
        if is_boot_trigger(outgoing.command):
            socket.boot_trigger_id = outgoing.message_id
        try:
            await socket.send_call(outgoing.message_id, outgoing.action, outgoing.payload, now())
        except ProtocolStateError as error:
            await self._threads.call(commands.fail, command_id, str(error))
        except SocketClosed:
            # The close has ended it as "outcome unknown"; that nothing went out is certain.
            await self._threads.call(commands.fail, command_id, "The charger was gone.")
        except Exception as error:
            if socket.core.in_flight is not None:
                raise  # The frame may be out: the answer or the time-out ends the command.
            logger.exception("command_not_sent", command=str(command_id))
            await self._threads.call(commands.fail, command_id, f"Not sent: {error!r}")

    # --- answers

    async def answered(
        self, socket: StationSocket, received: IncomingResult | IncomingError, at: datetime
    ) -> None:
        """Store the charger's answer, then send what waited behind it."""
        answer = Answer(socket.station_id, received.message_id, None, at)
        if isinstance(received, IncomingError):
            answer = replace(
                answer,
                payload={
                    "code": received.code,
                    "description": received.description,
                    "details": received.details,
                },
                error_code=received.code,
                description=received.description,
            )
        else:
            answer = replace(answer, payload=received.payload)
            if received.action and received.message_id == socket.boot_trigger_id:
                status, _error = socket.adapter.interpret(received.action, received.payload)
                socket.will_boot_as_asked = status is CommandStatus.ACCEPTED
        await self._settle(answer, socket.adapter, self._threads)
        if socket.core.in_flight is None:
            self._waiting.pop(socket.station_id, None)
        self.wake(socket.station_id)

    async def _settle(self, answer: Answer, adapter: Adapter, threads: DatabaseThreads) -> None:
        try:
            await threads.call(sending.settle, answer, adapter)
        except (OperationalError, InterfaceError) as error:
            self._unsettled.append((answer, adapter))
            logger.warning("answer_not_stored_yet", error=str(error))
        except Exception:
            # The command times out; the socket and the other answers must not suffer from it.
            logger.exception("answer_not_stored", station_id=answer.station_id)

    # --- tick

    async def tick(self, at: datetime) -> None:
        """Do what no message asks for: time-outs, answers not stored, commands not nudged."""
        for _answer in range(len(self._unsettled)):
            await self._settle(*self._unsettled.popleft(), self._tick_threads)
        await self._time_out(at)
        if len(self._presence):
            for station_id in await self._tick_threads.call(commands.queued_stations):
                self.wake(station_id)
        await self._ask_for_boots(at)

    async def _time_out(self, at: datetime) -> None:
        timeout = timedelta(seconds=settings.OCPP_CALL_TIMEOUT_SECONDS)
        for station_id, socket in list(self._waiting.items()):
            if socket.is_closed:
                del self._waiting[station_id]
                continue
            message_id = socket.core.expire_call(at, timeout)
            if message_id is not None:
                del self._waiting[station_id]
                await self._tick_threads.call(sending.time_out, station_id, message_id, at)

    async def _ask_for_boots(self, at: datetime) -> None:
        grace = timedelta(seconds=settings.OCPP_BOOT_GRACE_SECONDS)
        silent = [
            socket
            for socket in self._presence
            if not (socket.has_booted or socket.is_trigger_asked)
            and at - socket.connected_at >= grace
        ]
        for socket in silent[:BOOT_REQUESTS_PER_TICK]:
            socket.is_online = socket.is_trigger_asked = True
            await self._tick_threads.call(sending.ask_for_boot, socket.station_id)

    async def stop(self) -> None:
        if self._looking is not None:
            await self._looking
        tasks: list[Coroutine[Any, Any, None] | asyncio.Task[None]] = list(self._sending.values())
        await asyncio.gather(*tasks, return_exceptions=True)
