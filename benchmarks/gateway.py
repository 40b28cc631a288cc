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

from benchmarks import database, history, load
from benchmarks.chargers import Charger
from benchmarks.processes import UsageMeter, processor
from benchmarks.report import Row, medians, table
from benchmarks.server import BARE, Server, server_environment
from benchmarks.verification import verify_readings, verify_sessions
from csms.common.clock import now

Result = TypeVar("Result")

WARM_UP_CONNECTIONS = 100
SESSION_CONNECTIONS = 100
CONNECT_AT_ONCE = 100
SETTLE_SECONDS = 3.0
HEARTBEAT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Extent:
    """How long and how large a run is."""

    seconds: float
    idle_seconds: float
    idle_connections: tuple[int, ...]
    connections: tuple[int, ...]
    rates: tuple[int, ...]
    storm: int

    @property
    def stations(self) -> int:
        return max(*self.idle_connections, *self.connections, self.storm, 1_000)


FULL = Extent(
    10.0,
    60.0,
    idle_connections=(1_000, 10_000),
    connections=(100, 1_000),
    rates=(1_000, 2_000),
    storm=5_000,
)
QUICK = Extent(2.0, 2.0, idle_connections=(500,), connections=(100,), rates=(1_000,), storm=200)


class Bench:
    """The scenarios, one method each; each takes the sockets it needs, and verifies what it sent.

    All run in one event loop, so that sockets stay open from one scenario to the next.
    """

    def __init__(
        self,
        runner: asyncio.Runner,
        server: Server,
        folder: Path,
        environment: dict[str, str],
        chargers: Sequence[Charger],
        extent: Extent,
    ) -> None:
        self._runner = runner
        self._server = server
        self._folder = folder
        self._environment = environment
        self._database_url = environment["DATABASE_URL"]
        self._began_at = now()
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
            "two": self.two_processes,
            "bare": self.bare,
        }

    def idle(self) -> list[Row]:
        return [self._run(self._idle(count)) for count in self._extent.idle_connections]

    def storm(self) -> list[Row]:
        count = self._extent.storm
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

    def two_processes(self) -> list[Row]:
        """The same chargers, half of them at a second process of the same system."""
        count = max(self._extent.connections)
        self._run(load.disconnect_all(self._chargers))
        with Server(self._folder, self._environment) as second:
            halves = {
                self._server.url: self._chargers[: count // 2],
                second.url: self._chargers[count // 2 : count],
            }
            pids = [self._server.pid, second.pid]

            async def scenario() -> load.Measured:
                for url, chargers in halves.items():
                    await load.connect_all(chargers, url, at_once=CONNECT_AT_ONCE)
                    await load.open_transactions(chargers)
                loop = load.ClosedLoop(self._chargers[:count], load.one_moment)
                return await loop.run(self._extent.seconds, self._meter(pids))

            measured = self._run(scenario())
            verified = self._verify(self._chargers)
            self._run(load.disconnect_all(self._chargers))
        name = f"closed loop, MeterValues 1x4, {count:,} connections, two processes"
        return [Row.of(name, measured, verified)]

    def bare(self) -> list[Row]:
        """The `ocpp` package's own central system, which stores nothing, under the same load."""
        rows = []
        self._run(load.disconnect_all(self._chargers))
        with Server(self._folder, self._environment, program=BARE) as server:
            for count in self._extent.connections:
                strangers = [
                    Charger(charger.identity, charger.password, charger.id_tag)
                    for charger in self._chargers[:count]
                ]

                async def scenario(chargers: Sequence[Charger]) -> load.Measured:
                    await load.connect_all(chargers, server.url, at_once=CONNECT_AT_ONCE)
                    await load.open_transactions(chargers)
                    loop = load.ClosedLoop(chargers, load.one_moment)
                    measured = await loop.run(self._extent.seconds, self._meter([server.pid]))
                    await load.disconnect_all(chargers)
                    return measured

                measured = self._run(scenario(strangers))
                name = f"bare `ocpp` package, stores nothing, 1x4, {count:,} connections"
                rows.append(Row.of(name, measured, 0))
        return rows

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
        rate = count / HEARTBEAT_SECONDS
        beats = load.OpenLoop(self._chargers[:count], load.heartbeat, rate)
        await beats.run(self._extent.idle_seconds, self._meter())
        share = (self._server.cpu_seconds() - used) / (perf_counter() - began)
        await load.disconnect_all(self._chargers)
        return Row(
            f"idle, {count:,} connections, a heartbeat every {HEARTBEAT_SECONDS} s",
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
        count = verify_readings(acknowledged, database.stored_readings(self._began_at))
        for charger in chargers:
            charger.acknowledged = array("q")
        return count

    def _meter(self, pids: Sequence[int] = ()) -> UsageMeter:
        return UsageMeter(
            pids or [self._server.pid], lambda: database.database_pids(self._database_url)
        )

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
        if options.history:
            _say(f"Making {options.history:,} readings …")
            history.fill(options.history)
        print(f"{processor()}; {database.database_name()}; client, server and database share it.\n")
        runs = [
            _one_run(folder, environment, chargers, extent, options) for _ in range(options.runs)
        ]
        if options.runs > 1:
            print(f"Medians of {options.runs} runs:\n")
        print(table(medians(runs)))
        if options.history:
            print(f"\n{history.size()}. The readings of a session's end:\n")
            print(history.plan_of_a_stop())
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
        bench = Bench(runner, server, folder, environment, chargers, extent)
        for name, scenario in bench.scenarios().items():
            if options.only is None or name in options.only:
                _say(f"{name} …")
                measured = scenario()
                # At once: a later scenario that fails must not take this one's figures with it.
                _say(table(measured))
                rows += measured
        bench.close()
    return rows


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short windows: all in a minute")
    parser.add_argument("--runs", type=int, default=1, help="repeat and print medians")
    parser.add_argument(
        "--history", type=int, default=0, metavar="N", help="with N older readings in the table"
    )
    parser.add_argument("--port", type=int, default=0, help="port of the server; 0: a free one")
    names = list(Bench.scenarios(Bench.__new__(Bench)))
    parser.add_argument("--only", nargs="+", choices=names, help="these scenarios only")
    return parser.parse_args()
