"""Many simulated chargers in one process."""

import asyncio
import contextlib
import ipaddress
import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from simulators.behaviour import Habits, charge_a_car, serve_cars
from simulators.charger import Charger, ChargerOptions, SimulatedConnector
from simulators.profiles import hardware_of, identity_of, token_of

FLEET_TOKENS = tuple(token_of(number) for number in range(1, 41))


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What `manage.py simulate` takes. Seconds are real ones; None: without an end."""

    charger: ChargerOptions
    chargers: int = 10
    identity_prefix: str = "SIM-"
    tokens: tuple[str, ...] = FLEET_TOKENS
    sessions: int | None = None
    duration_seconds: float | None = None
    connect_seconds: float = 2.0
    pause_seconds: tuple[float, float] = (3.0, 20.0)
    fault_probability: float = 0.05
    fault_seconds: float = 8.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class FleetReport:
    """Sums over all chargers."""

    chargers: int
    online: int
    charging: int
    sessions_started: int
    sessions_completed: int
    energy_wh: int
    refusals: int
    last_trouble: str

    def __str__(self) -> str:
        return (
            f"{self.online}/{self.chargers} online, {self.charging} charging, "
            f"{self.sessions_completed} sessions completed, {self.energy_wh / 1000:.1f} kWh"
        )


class RemoteTargetRefused(ValueError):
    """The address is not of this machine, and nobody said that it may be another."""


def check_target(url: str, *, allow_remote: bool) -> None:
    """Raise `RemoteTargetRefused` unless `url` is a WebSocket on loopback or remote is allowed."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise RemoteTargetRefused(f"{url} is no ws:// or wss:// address.")
    if allow_remote or parts.hostname == "localhost":
        return
    try:
        is_loopback = ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise RemoteTargetRefused(
            f"{parts.hostname} is not this machine. With --allow-remote simulated chargers connect "
            "to it all the same: only to systems that are yours."
        )


class Fleet:
    """Runs its chargers until each has done its sessions, the time is over, or it is cancelled."""

    def __init__(self, options: FleetOptions) -> None:
        self.options = options
        self.chargers = [
            Charger(
                identity_of(options.identity_prefix, number),
                hardware_of(number),
                options.charger,
                random.Random(None if options.seed is None else options.seed * 10_000 + number),
                charge_a_car,
            )
            for number in range(1, options.chargers + 1)
        ]
        self._tokens = self._share_tokens()

    def _share_tokens(self) -> dict[tuple[str, int], tuple[str, ...]]:
        """Tokens of its own for each connector: nobody charges in two places at a time.

        With fewer tokens than connectors all share all, and some starts answer ConcurrentTx.
        """
        places = [(c.identity, plug.number) for c in self.chargers for plug in c.connectors]
        tokens = self.options.tokens
        return {
            place: tokens[index :: len(places)] if len(tokens) >= len(places) else tokens
            for index, place in enumerate(places)
        }

    async def run(
        self, show: Callable[[FleetReport], None] | None = None, every_seconds: float = 5.0
    ) -> FleetReport:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.options.duration_seconds):
                async with asyncio.TaskGroup() as group:
                    reporter = group.create_task(self._report(show, every_seconds))
                    running = [
                        group.create_task(self._run_charger(index, charger))
                        for index, charger in enumerate(self.chargers)
                    ]
                    await asyncio.wait(running)
                    reporter.cancel()
        return self.report()

    async def _run_charger(self, index: int, charger: Charger) -> None:
        options = self.options
        await asyncio.sleep(options.connect_seconds * index / max(1, options.chargers))
        link = asyncio.create_task(charger.run())
        try:
            await asyncio.gather(
                *(
                    serve_cars(charger, connector, self._habits(charger, connector))
                    for connector in charger.connectors
                )
            )
        finally:
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)

    def _habits(self, charger: Charger, connector: SimulatedConnector) -> Habits:
        options = self.options
        return Habits(
            tokens=self._tokens[charger.identity, connector.number],
            pause_seconds=options.pause_seconds,
            fault_probability=options.fault_probability,
            fault_seconds=options.fault_seconds,
            max_sessions=options.sessions,
        )

    async def _report(
        self, show: Callable[[FleetReport], None] | None, every_seconds: float
    ) -> None:
        while show is not None:
            await asyncio.sleep(every_seconds)
            show(self.report())

    def report(self) -> FleetReport:
        chargers = self.chargers
        return FleetReport(
            chargers=len(chargers),
            online=sum(charger.ready.is_set() for charger in chargers),
            charging=sum(c.session is not None for charger in chargers for c in charger.connectors),
            sessions_started=sum(charger.counters.sessions_started for charger in chargers),
            sessions_completed=sum(charger.counters.sessions_completed for charger in chargers),
            energy_wh=sum(charger.counters.energy_wh for charger in chargers),
            refusals=sum(charger.counters.refusals for charger in chargers),
            last_trouble=next((c.counters.errors[-1] for c in chargers if c.counters.errors), ""),
        )
