"""A simulated OCPP 1.6 charger: boots, reports, and comes back after a lost link."""

import asyncio
import base64
import contextlib
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import structlog
from ocpp.exceptions import OCPPError
from ocpp.v16 import call
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus, RegistrationStatus
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from simulators.link import Link
from simulators.profiles import Hardware
from simulators.session import ChargingSession, ocpp_time

logger = structlog.get_logger(__name__)
MAX_BACKOFF_SECONDS = 30.0
MAX_REFUSALS = 3
LINK_LOST = (ConnectionClosed, asyncio.TimeoutError)


@dataclass(frozen=True, slots=True)
class ChargerOptions:
    """How a fleet's chargers behave. Seconds are real ones."""

    url: str
    password: str = ""
    speed_up: float = 1.0
    meter_seconds: float = 10.0
    response_timeout: float = 30.0
    first_backoff_seconds: float = 1.0


@dataclass(slots=True)
class SimulatedConnector:
    """A plug: its lifetime meter, its status, and the car that stands there."""

    number: int
    meter_wh: int
    status: ChargePointStatus = ChargePointStatus.available
    error: ChargePointErrorCode = ChargePointErrorCode.no_error
    is_operative: bool = True
    session: ChargingSession | None = None
    is_taken: bool = False


@dataclass
class Counters:
    """What a charger has done so far."""

    boots: int = 0
    sessions_started: int = 0
    sessions_completed: int = 0
    energy_wh: int = 0
    refusals: int = 0
    lost_links: int = 0
    errors: list[str] = field(default_factory=list)


class Charger:
    """One charger with its own will. `run` ends when it is cancelled."""

    def __init__(
        self,
        identity: str,
        hardware: Hardware,
        options: ChargerOptions,
        chance: random.Random,
        charge: "Charge",
    ) -> None:
        self.identity = identity
        self.hardware = hardware
        self.options = options
        self.chance = chance
        self.charge = charge
        self.counters = Counters()
        self.connectors = [
            SimulatedConnector(number, meter_wh=chance.randrange(10_000, 9_000_000))
            for number in range(1, hardware.connectors + 1)
        ]
        self.configuration = {
            "HeartbeatInterval": "300",
            "MeterValueSampleInterval": str(max(1, round(options.meter_seconds))),
            "ConnectionTimeOut": "60",
            "AuthorizeRemoteTxRequests": "false",
            "NumberOfConnectors": str(hardware.connectors),
            "SupportedFeatureProfiles": "Core,RemoteTrigger",
        }
        self.ready = asyncio.Event()
        self._link: Link | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- The link: connect, boot, stay, come back ------------------------------------------------

    async def run(self) -> None:
        """Keep a link up, with growing pauses between attempts, until cancelled."""
        backoff = self.options.first_backoff_seconds
        try:
            while True:
                try:
                    await self._one_connection()
                    backoff = self.options.first_backoff_seconds
                except (OSError, InvalidHandshake, *LINK_LOST) as error:
                    self._note(f"no link: {error}")
                self.counters.lost_links += 1
                await asyncio.sleep(backoff * self.chance.uniform(0.7, 1.3))
                backoff = min(MAX_BACKOFF_SECONDS, backoff * 2)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connect(self) -> connect:
        headers = {}
        if self.options.password:
            pair = f"{self.identity}:{self.options.password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return connect(
            f"{self.options.url.rstrip('/')}/{quote(self.identity, safe='')}",
            subprotocols=[Subprotocol("ocpp1.6")],
            additional_headers=headers,
            proxy=None,
            open_timeout=20,
            close_timeout=3,
            logger=None,
        )

    async def _one_connection(self) -> None:
        async with self._connect() as connection:
            link = Link(self, connection, self.options.response_timeout)
            self._link = link
            reader = asyncio.create_task(link.start(), name=f"{self.identity} reader")
            keeper = asyncio.create_task(self._boot_and_beat(link), name=f"{self.identity} beat")
            try:
                done, _pending = await asyncio.wait(
                    {reader, keeper}, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    with contextlib.suppress(*LINK_LOST):
                        task.result()
            finally:
                self.ready.clear()
                self._link = None
                reader.cancel()
                keeper.cancel()
                await asyncio.gather(reader, keeper, return_exceptions=True)

    async def _boot_and_beat(self, link: Link) -> None:
        interval = await self._boot(link)
        self.ready.set()
        await self._report_everything(link)
        while True:
            await asyncio.sleep(interval)
            await link.call(call.Heartbeat(), suppress=False)
            interval = int(self.configuration["HeartbeatInterval"]) or interval

    async def _boot(self, link: Link) -> int:
        """Boot until the management system accepts; the heartbeat interval in seconds."""
        while True:
            answer = await link.call(
                call.BootNotification(
                    charge_point_vendor=self.hardware.vendor[:20],
                    charge_point_model=self.hardware.model[:20],
                    charge_point_serial_number=f"SN-{self.identity}"[:25],
                    firmware_version=self.hardware.firmware,
                    meter_type="Simulated",
                ),
                suppress=False,
            )
            interval = max(1, int(answer.interval))
            if answer.status == RegistrationStatus.accepted:
                self.counters.boots += 1
                self.configuration["HeartbeatInterval"] = str(interval)
                return interval
            await asyncio.sleep(interval)

    async def _report_everything(self, link: Link) -> None:
        await link.call(
            call.StatusNotification(
                connector_id=0,
                error_code=ChargePointErrorCode.no_error,
                status=ChargePointStatus.available,
                timestamp=self._now(),
            ),
            suppress=False,
        )
        for connector in self.connectors:
            await link.call(self._status_of(connector), suppress=False)

    # --- Talking --------------------------------------------------------------------------------

    async def send(self, request: Any) -> Any | None:
        """The answer to a request that may be lost with the link; None if it was."""
        link = self._link
        if link is None:
            return None
        try:
            return await link.call(request, suppress=False)
        except LINK_LOST:
            return None
        except OCPPError as error:
            self._note(f"{type(request).__name__} refused: {error}")
            return None

    async def deliver(self, request: Any) -> Any | None:
        """The answer to a request that must arrive: repeated over every new link until it does.

        None if the management system refuses it again and again.
        """
        refusals = 0
        while True:
            await self.ready.wait()
            link = self._link
            try:
                if link is not None:
                    return await link.call(request, suppress=False)
            except LINK_LOST:
                await asyncio.sleep(0.2)
            except OCPPError as error:
                refusals += 1
                self._note(f"{type(request).__name__} refused: {error}")
                if refusals >= MAX_REFUSALS:
                    return None
                await asyncio.sleep(self.options.first_backoff_seconds)

    def _note(self, text: str) -> None:
        self.counters.refusals += "refused" in text
        self.counters.errors.append(text[:300])
        del self.counters.errors[:-20]
        logger.info("charger_trouble", identity=self.identity, trouble=text[:300])

    def _now(self) -> str:
        return ocpp_time(datetime.now(UTC))

    def _status_of(self, connector: SimulatedConnector) -> call.StatusNotification:
        return call.StatusNotification(
            connector_id=connector.number,
            error_code=connector.error,
            status=connector.status,
            timestamp=self._now(),
        )

    async def set_status(
        self,
        connector: SimulatedConnector,
        status: ChargePointStatus,
        error: ChargePointErrorCode = ChargePointErrorCode.no_error,
    ) -> None:
        connector.status, connector.error = status, error
        await self.send(self._status_of(connector))

    # --- What the management system asks for (called by `Link`) ----------------------------------

    def connector(self, number: int) -> SimulatedConnector | None:
        return next((c for c in self.connectors if c.number == number), None)

    def connectors_at(self, number: int) -> list[SimulatedConnector]:
        return [c for c in self.connectors if number in (0, c.number)]

    def free_connector(self, number: int | None) -> SimulatedConnector | None:
        for connector in self.connectors_at(number or 0):
            if connector.is_operative and not connector.is_taken:
                return connector
        return None

    def start_remotely(self, connector: SimulatedConnector, id_token: str) -> None:
        connector.is_taken = True
        self.begin(self.charge(self, connector, id_token))

    def stop_transaction(self, transaction_id: int, reason: str) -> bool:
        for connector in self.connectors:
            if connector.session and connector.session.transaction_id == transaction_id:
                connector.session.stop(reason)
                return True
        return False

    def change_availability(
        self, connectors: list[SimulatedConnector], *, is_operative: bool
    ) -> None:
        """Now where no car charges, otherwise when it has gone."""
        for connector in connectors:
            connector.is_operative = is_operative
            if not connector.is_taken:
                self.begin(self.set_status(connector, self.idle_status(connector)))

    @staticmethod
    def idle_status(connector: SimulatedConnector) -> ChargePointStatus:
        return (
            ChargePointStatus.available if connector.is_operative else ChargePointStatus.unavailable
        )

    def reset_soon(self, reason: str) -> None:
        self.begin(self._reset(reason))

    async def _reset(self, reason: str) -> None:
        sessions = [c.session for c in self.connectors if c.session is not None]
        for session in sessions:
            session.stop(reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.gather(*(session.ended.wait() for session in sessions))
        if self._link is not None:
            await self._link._connection.close()

    def send_triggered(self, message: str, connector_id: int | None) -> None:
        self.begin(self._send_triggered(message, connector_id))

    async def _send_triggered(self, message: str, connector_id: int | None) -> None:
        senders: dict[str, Callable[[], Awaitable[Any]]] = {
            "BootNotification": self._boot_again,
            "Heartbeat": lambda: self.send(call.Heartbeat()),
            "StatusNotification": lambda: self._repeat_statuses(connector_id),
            "MeterValues": lambda: self._report_meters(connector_id),
        }
        await senders[message]()

    async def _boot_again(self) -> None:
        if self._link is not None:
            with contextlib.suppress(*LINK_LOST):
                await self._boot(self._link)

    async def _repeat_statuses(self, number: int | None) -> None:
        for connector in self.connectors_at(number or 0):
            await self.send(self._status_of(connector))

    async def _report_meters(self, number: int | None) -> None:
        for connector in self.connectors_at(number or 0):
            session = connector.session
            if session is not None and session.transaction_id is not None:
                value = session.meter_value(
                    session.advance(), is_dc=self.hardware.is_dc, context="Trigger"
                )
                await self.send(
                    call.MeterValues(
                        connector_id=connector.number,
                        transaction_id=session.transaction_id,
                        meter_value=[value],
                    )
                )

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` beside the rest; an error in it is noted, and it ends with the charger."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._note(f"failed: {task.exception()!r}")


Charge = Callable[[Charger, SimulatedConnector, str], Coroutine[Any, Any, None]]
