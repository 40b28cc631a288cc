"""Load runs against the OCPP gateway that print a table; see README.md in this folder."""

import argparse
import asyncio
import gc
import sys
import tempfile
from array import array
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import uvloop

from benchmarks import database, load
from benchmarks.chargers import Charger
from benchmarks.processes import UsageMeter, processor
from benchmarks.report import Row, medians, table
from benchmarks.server import Server, server_environment
from benchmarks.verification import verify_readings, verify_sessions

Result = TypeVar("Result")

WARM_UP_CONNECTIONS = 100
SESSION_CONNECTIONS = 100
CONNECT_AT_ONCE = 100
SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Extent:
    """How long and how large a run is."""

    seconds: float
    idle_seconds: float
    idle_connections: tuple[int, ...]
    connections: tuple[int, ...]
    rates: tuple[int, ...]

    @property
    def stations(self) -> int:
        return max(*self.idle_connections, *self.connections, 1_000)


FULL = Extent(
    10.0, 20.0, idle_connections=(1_000, 5_000), connections=(100, 1_000), rates=(1_000, 2_000)
)
QUICK = Extent(2.0, 2.0, idle_connections=(500,), connections=(100,), rates=(1_000,))


class Bench:
    """The scenarios, one method each; each takes the sockets it needs, and verifies what it sent.

    All run in one event loop, so that sockets stay open from one scenario to the next.
    """

    def __init__(
        self,
        runner: asyncio.Runner,
        server: Server,
        database_url: str,
        chargers: Sequence[Charger],
        extent: Extent,
    ) -> None:
        self._runner = runner
        self._server = server
        self._database_url = database_url
        self._chargers = chargers
        self._extent = extent

    def scenarios(self) -> dict[str, Callable[[], list[Row]]]:
        """What `--only` chooses from, in the order in which they run."""
        return {
            "idle": self.idle,
            "storm": self.storm,
            "heartbeat": self.heartbeats,
            "closed": self.closed_loop,
            "open": self.open_loop,
            "sessions": self.sessions,
        }

    def idle(self) -> list[Row]:
        return [self._run(self._idle(count)) for count in self._extent.idle_connections]

    def storm(self) -> list[Row]:
        count = max(self._extent.connections)
        measured = self._run(self._storm(count))
        return [Row.of(f"connect storm, {count:,}: connect and boot at once", measured, 0)]

    def heartbeats(self) -> list[Row]:
        return [
            self._closed("Heartbeat", count, load.heartbeat) for count in self._extent.connections
        ]

    def closed_loop(self) -> list[Row]:
        return [
            self._closed(name, count, make)
            for name, make in (
                ("MeterValues 1x4", load.one_moment),
                ("MeterValues 4x4", load.four_moments),
            )
            for count in self._extent.connections
        ]

    def open_loop(self) -> list[Row]:
        count = max(self._extent.connections)
        return [self._open(count, rate) for rate in self._extent.rates]

    def sessions(self) -> list[Row]:
        # The last chargers: the first ones have a running transaction of the other scenarios.
        chargers = self._chargers[-SESSION_CONNECTIONS:]
        for charger in chargers:
            charger.transaction_id = 0

        async def scenario() -> load.Sessions:
            await self._connect(chargers)
            return await load.complete_sessions(chargers, self._extent.seconds, self._meter())

        sessions = self._run(scenario())
        verify_sessions(sessions.transaction_ids, database.stored_sessions())
        self._verify(chargers)
        name = f"complete sessions, {len(chargers)} connections"
        return [Row.of(name, sessions.measured, len(sessions.transaction_ids))]

    # --- parts

    def _closed(self, name: str, count: int, make: load.CallMaker) -> Row:
        async def scenario() -> load.Measured:
            chargers = await self._charging(count)
            return await load.ClosedLoop(chargers, make).run(self._extent.seconds, self._meter())

        measured = self._run(scenario())
        return Row.of(
            f"closed loop, {name}, {count:,} connections", measured, self._verify(self._chargers)
        )

    def _open(self, count: int, rate: int) -> Row:
        async def scenario() -> load.Measured:
            chargers = await self._charging(count)
            loop = load.OpenLoop(chargers, load.one_moment, rate)
            return await loop.run(self._extent.seconds, self._meter())

        measured = self._run(scenario())
        name = f"open loop, MeterValues 1x4, {rate:,}/s, {count:,} connections"
        return Row.of(name, measured, self._verify(self._chargers))

    async def _storm(self, count: int) -> load.Measured:
        await load.disconnect_all(self._chargers)
        meter = self._meter()
        meter.start()
        took = await load.connect_all(self._chargers[:count], self._server.url, at_once=count)
        return load.Measured(took, usage=meter.stop())

    async def _idle(self, count: int) -> Row:
        # What the first connections of a process cost (threads, caches) is not theirs alone.
        await load.disconnect_all(self._chargers)
        await self._connect(self._chargers[-WARM_UP_CONNECTIONS:])
        await load.disconnect_all(self._chargers)
        before = self._server.resident_kilobytes()
        await self._connect(self._chargers[:count])
        await asyncio.sleep(SETTLE_SECONDS)
        kilobytes = (self._server.resident_kilobytes() - before) / count
        used, began = self._server.cpu_seconds(), perf_counter()
        await asyncio.sleep(self._extent.idle_seconds)
        share = (self._server.cpu_seconds() - used) / (perf_counter() - began)
        await load.disconnect_all(self._chargers)
        return Row(
            f"idle, {count:,} connections",
            kilobytes_per_connection=kilobytes,
            idle_cpu_percent=share * 100,
        )

    async def _charging(self, count: int) -> Sequence[Charger]:
        """The first `count` chargers, and only they, connected and with a running transaction."""
        chargers = self._chargers[:count]
        await load.disconnect_all(self._chargers[count:])
        await self._connect(chargers)
        await load.open_transactions(chargers)
        return chargers

    async def _connect(self, chargers: Sequence[Charger]) -> None:
        missing = [charger for charger in chargers if not charger.is_connected]
        await load.connect_all(missing, self._server.url, at_once=CONNECT_AT_ONCE)

    def _verify(self, chargers: Sequence[Charger]) -> int:
        """Number of samples acknowledged since the last call, all of them found in the database."""
        lost = [charger.identity for charger in chargers if charger.is_lost]
        if lost:
            raise RuntimeError(f"The server closed {len(lost)} sockets, e.g. of {lost[:3]}")
        acknowledged = {c.identity: c.acknowledged for c in chargers if c.acknowledged}
        if not acknowledged:
            return 0
        count = verify_readings(acknowledged, database.stored_readings())
        for charger in chargers:
            charger.acknowledged = array("q")
        return count

    def _meter(self) -> UsageMeter:
        return UsageMeter(self._server.pid, lambda: database.database_pids(self._database_url))

    def _run(self, scenario: Coroutine[Any, Any, Result]) -> Result:
        gc.collect()
        gc.freeze()
        return self._runner.run(scenario)

    def close(self) -> None:
        self._run(load.disconnect_all(self._chargers))


def main() -> None:
    options = _options()
    extent = QUICK if options.quick else FULL
    began = perf_counter()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="csms-benchmark-")))
        url = stack.enter_context(database.scratch_database(folder))
        environment = server_environment(folder, url)
        _say(f"Preparing {extent.stations:,} stations …")
        credentials = database.prepare(environment, folder, extent.stations)
        chargers = [Charger(*found) for found in credentials]
        database.use_from_here(environment)
        stack.callback(database.close)
        database.create_tariff()
        print(f"{processor()}; {database.database_name()}; client, server and database share it.\n")
        runs = [
            _one_run(folder, environment, chargers, extent, options) for _ in range(options.runs)
        ]
    rows = medians(runs)
    if options.runs > 1:
        print(f"Medians of {options.runs} runs:\n")
    print(table(rows))
    _say(f"{perf_counter() - began:.0f} s in all.")


def _one_run(
    folder: Path,
    environment: dict[str, str],
    chargers: Sequence[Charger],
    extent: Extent,
    options: argparse.Namespace,
) -> list[Row]:
    """All chosen scenarios against one server process, started and ended here."""
    rows: list[Row] = []
    with (
        Server(folder, environment, options.port) as server,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        bench = Bench(runner, server, environment["DATABASE_URL"], chargers, extent)
        for name, scenario in bench.scenarios().items():
            if options.only is None or name in options.only:
                _say(f"{name} …")
                rows += scenario()
        bench.close()
    if options.runs > 1:
        _say(table(rows))
    return rows


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short windows: all in a minute")
    parser.add_argument("--runs", type=int, default=1, help="repeat and print medians")
    parser.add_argument("--port", type=int, default=0, help="port of the server; 0: a free one")
    names = list(Bench.scenarios(Bench.__new__(Bench)))
    parser.add_argument("--only", nargs="+", choices=names, help="these scenarios only")
    return parser.parse_args()
