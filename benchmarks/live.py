"""How long it takes from a charger's frame until those who watch see it.

`python -m benchmarks.live`: a real server, chargers that charge and report, people who watch
sessions, connectors and boards. What is measured begins when a frame is sent and ends when the
event that shows it has arrived; an event that shows several frames counts for each of them.
"""

import argparse
import asyncio
import sys
import tempfile
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import orjson
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks import database, load, messages
from benchmarks.chargers import Charger
from benchmarks.processes import UsageMeter, processor
from benchmarks.report import percentile
from benchmarks.server import Server, server_environment

CONNECT_AT_ONCE = 100
WARM_UP_SECONDS = 3.0
DRAIN_SECONDS = 5.0
TICK_SECONDS = 0.002
STATUSES = ("Charging", "SuspendedEV")
HEADER = "| feed | watchers | frames seen | p50 ms | p95 ms | p99 ms | max ms | never seen |"


@dataclass(slots=True)
class Frame:
    """What was sent at `at`; `mark` grows from frame to frame of one charger."""

    mark: int
    at: float


@dataclass(slots=True)
class Seen:
    """Latencies in seconds of one kind of feed."""

    watchers: int = 0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    missing: int = 0

    def row(self, name: str) -> str:
        ordered = sorted(self.latencies)
        figures = [percentile(ordered, share) * 1000 for share in (50, 95, 99)]
        shown = " | ".join(f"{figure:,.0f}" for figure in (*figures, ordered[-1] * 1000))
        return f"| {name} | {self.watchers} | {len(ordered):,} | {shown} | {self.missing} |"


class Waiting:
    """The frames of one charger that one watcher has not seen yet."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._frames: deque[Frame] = deque()

    def sent(self, frame: Frame) -> None:
        self._frames.append(frame)

    def shown(self, mark: int, at: float) -> None:
        while self._frames and self._frames[0].mark <= mark:
            self._seen.latencies.append(at - self._frames.popleft().at)

    def end(self) -> None:
        self._seen.missing += len(self._frames)


class Watcher(WSListener):
    """One socket; `on_data` gets what each event holds."""

    def __init__(self, on_data: Callable[[Any, float], None]) -> None:
        super().__init__()
        self._on_data = on_data
        self._transport: WSTransport | None = None
        self.is_lost = False

    async def connect(self, base: str, ticket: str) -> None:
        address = f"{base}/ws/live/?ticket={ticket}"
        await ws_connect(lambda: self, address, websocket_handshake_timeout=60)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.is_lost = self._transport is not None

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        at = perf_counter()
        if frame.msg_type is WSMsgType.TEXT:
            said = orjson.loads(frame.get_payload_as_bytes())
            if "data" in said:
                self._on_data(said["data"], at)
        elif frame.msg_type is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())

    def disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.disconnect()


class Chargers:
    """All that charge, and who waits to see what they say."""

    def __init__(self, chargers: Sequence[Charger], every_seconds: float) -> None:
        self.chargers = chargers
        self._every = every_seconds
        self.starts = {charger.identity: charger.energy_wh for charger in chargers}
        self.readings: dict[str, list[Waiting]] = {c.identity: [] for c in chargers}
        self.statuses: dict[str, list[Waiting]] = {c.identity: [] for c in chargers}
        self.is_measuring = False
        self.refused = 0
        self._turn = 0

    async def run(self, seconds: float) -> None:
        """Each charger reports its meter and its status every so many seconds, one by one."""
        began = perf_counter()
        sent, count = 0, len(self.chargers)
        while (now := perf_counter()) - began < seconds:
            due = int((now - began) / self._every * count)
            for number in range(sent, due):
                charger = self.chargers[number % count]
                if not charger.is_busy:
                    self._report(charger)
            sent = due
            await asyncio.sleep(TICK_SECONDS)

    def _report(self, charger: Charger) -> None:
        """A meter value, and when that is answered a status, as chargers do."""
        (energy,) = charger.next_samples(1)
        entry = messages.meter_value(energy, messages.clock())
        payload = messages.meter_values(charger.transaction_id, entry)
        delivered = energy - self.starts[charger.identity]
        self._say(charger, "MeterValues", payload, self.readings, delivered, self._then_status)

    def _then_status(self, charger: Charger) -> None:
        self._turn += 1
        now = datetime.now(UTC)
        payload = messages.status(STATUSES[self._turn % len(STATUSES)], now)
        mark = int(now.timestamp() * 1000)
        self._say(charger, "StatusNotification", payload, self.statuses, mark, None)

    def _say(
        self,
        charger: Charger,
        action: str,
        payload: str,
        waiting: dict[str, list[Waiting]],
        mark: int,
        then: Callable[[Charger], None] | None,
    ) -> None:
        def answered(frame: list[Any], _at: float) -> None:
            if frame[0] != 3:
                self.refused += 1
            elif then is not None:
                then(charger)

        if self.is_measuring:
            frame = Frame(mark, perf_counter())
            for one in waiting[charger.identity]:
                one.sent(frame)
        charger.send_call(action, payload, answered)


def milliseconds(moment: str | None) -> int:
    return 0 if moment is None else int(datetime.fromisoformat(moment).timestamp() * 1000)


class Bench:
    def __init__(self, server: Server, chargers: Chargers, options: argparse.Namespace) -> None:
        self._base = server.url.removesuffix("/ocpp")
        self._chargers = chargers
        self._options = options
        self._waiting: list[Waiting] = []
        self._watchers: list[Watcher] = []
        self.seen = {"session": Seen(), "connector": Seen(), "board": Seen()}

    async def watch(self) -> None:
        """People take turns at the chargers: of each kind as many as the options say."""
        with_sockets: list[tuple[Watcher, str]] = []
        for number in range(self._options.sessions):
            with_sockets.append(self._session(number))
        for number in range(self._options.connectors):
            with_sockets.append(self._connector(number))
        for _number in range(self._options.boards):
            with_sockets.append(self._board())
        for feed, seen in self.seen.items():
            seen.watchers = getattr(self._options, f"{feed}s")
        tickets = await asyncio.to_thread(make_tickets, [feed for _socket, feed in with_sockets])
        for start in range(0, len(with_sockets), CONNECT_AT_ONCE):
            batch = slice(start, start + CONNECT_AT_ONCE)
            await asyncio.gather(
                *(
                    watcher.connect(self._base, ticket)
                    for (watcher, _feed), ticket in zip(
                        with_sockets[batch], tickets[batch], strict=True
                    )
                )
            )
        self._watchers = [watcher for watcher, _feed in with_sockets]

    def _wait(self, kind: str, waiting: list[Waiting]) -> Waiting:
        made = Waiting(self.seen[kind])
        waiting.append(made)
        self._waiting.append(made)
        return made

    def _session(self, number: int) -> tuple[Watcher, str]:
        charger = self._chargers.chargers[number % len(self._chargers.chargers)]
        waiting = self._wait("session", self._chargers.readings[charger.identity])

        def shown(data: Any, at: float) -> None:
            waiting.shown(data["energy_wh"], at)

        return Watcher(shown), f"session:{charger.transaction_id}"

    def _connector(self, number: int) -> tuple[Watcher, str]:
        charger = self._chargers.chargers[number % len(self._chargers.chargers)]
        waiting = self._wait("connector", self._chargers.statuses[charger.identity])

        def shown(data: Any, at: float) -> None:
            waiting.shown(milliseconds(data["status_at"]), at)

        return Watcher(shown), f"connector:{charger.identity}"

    def _board(self) -> tuple[Watcher, str]:
        by_identity = {
            identity: self._wait("board", waiting)
            for identity, waiting in self._chargers.statuses.items()
        }

        def shown(data: Any, at: float) -> None:
            for row in data["rows"]:
                waiting = by_identity.get(row["identity"])
                if waiting is not None:
                    waiting.shown(milliseconds(row["status_at"]), at)

        return Watcher(shown), "board"

    async def run(self, meter: UsageMeter) -> Any:
        await self._chargers.run(WARM_UP_SECONDS)
        self._chargers.is_measuring = True
        meter.start()
        await self._chargers.run(self._options.seconds)
        self._chargers.is_measuring = False
        usage = meter.stop()
        await asyncio.sleep(DRAIN_SECONDS)
        for one in self._waiting:
            one.end()
        lost = sum(watcher.is_lost for watcher in self._watchers)
        for watcher in self._watchers:
            watcher.disconnect()
        if lost or self._chargers.refused:
            raise RuntimeError(f"{lost} sockets lost, {self._chargers.refused} frames refused")
        return usage


def make_tickets(feeds: Sequence[str]) -> list[str]:
    """One for each; each watcher is a person of its own, who has just signed in."""
    from accounts.domain.states import Role
    from accounts.models import SignIn, User
    from accounts.services.sign_ins import sign_in
    from chargepoints.models import Connector
    from csms.common import tickets
    from csms.common.tickets import Admission
    from transactions.models import Session

    now = datetime.now(UTC)
    sessions: dict[str, UUID] = {
        str(key): public_id for key, public_id in Session.objects.values_list("pk", "public_id")
    }
    connectors = dict(Connector.objects.values_list("evse__station__identity", "pk"))
    made = []
    for number, feed in enumerate(feeds):
        kind, _colon, name = feed.partition(":")
        if kind == "session":
            feed = f"session:{sessions[name]}:th"
        elif kind == "connector":
            feed = f"connector:{connectors[name]}"
        role = Role.SUPERADMIN if kind == "board" else Role.DRIVER
        # No hash: nobody signs in with a password here, and 1,000 of them take a minute.
        user = User.objects.create(
            email=f"watcher-{number}@example.com", role=role, password="!", is_active=True
        )
        opened: SignIn = sign_in(
            user, address="127.0.0.1", expires_at=now + timedelta(hours=1), at=now
        )
        made.append(tickets.issue(Admission(user.pk, opened.pk, feed), datetime.now(UTC)))
    return made


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="csms-benchmark-")))
        url = stack.enter_context(database.scratch_database(folder))
        environment = server_environment(folder, url)
        _say(f"Preparing {options.chargers:,} chargers …")
        credentials = database.prepare(environment, folder, options.chargers)
        database.use_from_here(environment)
        stack.callback(database.close)
        database.create_tariff()
        print(f"{processor()}; {database.database_name()}; client, server and database share it.")
        print(
            f"{options.chargers:,} chargers, each a MeterValues and a StatusNotification every "
            f"{options.every:g} s, {options.seconds:g} s long.\n"
        )
        with (
            Server(folder, environment) as server,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            seen, usage = runner.run(_bench(server, credentials, url, options))
    print(HEADER)
    print("|---|" + "---:|" * (HEADER.count("|") - 2))
    for name, one in seen.items():
        if one.watchers:
            print(one.row(name))
    share = usage.server / usage.seconds * 100
    of_database = (usage.database or 0.0) / usage.seconds * 100
    print(
        f"\nServer {share:.0f} % of one processor, database {of_database:.0f} %, load generator "
        f"{usage.client / usage.seconds * 100:.0f} %; others on the machine "
        f"{usage.others_percent:.0f} % of all."
    )


async def _bench(
    server: Server,
    credentials: Sequence[database.Credentials],
    url: str,
    options: argparse.Namespace,
) -> tuple[dict[str, Seen], Any]:
    chargers = [Charger(*found) for found in credentials]
    await load.connect_all(chargers, server.url, at_once=CONNECT_AT_ONCE)
    await load.open_transactions(chargers)
    bench = Bench(server, Chargers(chargers, options.every), options)
    _say("Opening the feeds …")
    await bench.watch()
    _say("Measuring …")
    meter = UsageMeter([server.pid], lambda: database.database_pids(url))
    usage = await bench.run(meter)
    await load.disconnect_all(chargers)
    return bench.seen, usage


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--chargers", type=int, default=1_000)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two reports")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to measure")
    parser.add_argument("--sessions", type=int, default=500, help="watchers of a session each")
    parser.add_argument("--connectors", type=int, default=100, help="watchers of a connector each")
    parser.add_argument("--boards", type=int, default=10, help="watchers of all connectors")
    return parser.parse_args()


if __name__ == "__main__":
    main()
