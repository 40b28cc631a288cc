"""What shows only after long: a day and more on one socket (T34), and 100,000 odd frames (T66)."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.acceptance.conftest import client_with_key
from tests.acceptance.installation import Installation, RedisServer, until
from tests.faults.cluster import Cluster
from tests.faults.conftest import Serve
from tests.faults.mutation import mangled
from tests.faults.scale import scaled
from tests.faults.shifted_clock import ShiftedClock
from tests.faults.test_outbox_restarts import CONFIGURATION, READ, ask, becomes
from tests.faults.wire import (
    Plug,
    identity_of,
    memory_of,
    plugged,
    reading_of,
    rows,
    start_of,
    stop_of,
)

pytestmark = [pytest.mark.faults, pytest.mark.slow]
LEASE = (
    "SELECT k.epoch, k.closed_at, s.is_online, s.last_seen_at, n.heartbeat_at"
    " FROM ocpp_gateway_stationconnection k JOIN chargepoints_station s ON s.id = k.station_id"
    " LEFT JOIN ocpp_gateway_gatewaynode n ON n.id = k.node_id WHERE s.identity = %s"
)
# An hour at a time, and after each five minutes back.
STEPS = [timedelta(hours=hours) for hours in range(1, 27)]
STEP_BACK = timedelta(minutes=5)
WARM_UP = scaled(40_000, multiple_of=20)
# In rounds, after each of which the memory is read.
ROUNDS, ROUND = 4, scaled(40_000, multiple_of=20)
MOST_GROWTH = 10 * 2**20
FRAMES = scaled(100_000, multiple_of=1_000)
FRAMES_OF_ONE = 1_000


async def test_T34_a_charger_that_is_on_for_26_hours_is_still_told(
    fleet: Installation, cluster: Cluster, own_redis: RedisServer, serve: Serve, tmp_path: Path
) -> None:
    """By the clock of both processes. What runs by the monotonic clock cannot be sped up."""
    clock = ShiftedClock(tmp_path / "clock")
    clock.set(timedelta(0))
    settings = {"how": "shifted", "CLOCK_FILE": str(tmp_path / "clock")}
    web = await asyncio.to_thread(lambda: serve(**settings))
    gateway = await asyncio.to_thread(lambda: serve(**settings))
    operator = await asyncio.to_thread(client_with_key, fleet, web, "operate", "read")
    identity = identity_of(660)
    async with plugged(gateway.port, identity) as plug:
        await plug.boot()
        transaction = (await plug.call("StartTransaction", start_of(0)))["transactionId"]
        for hour, step in enumerate(STEPS, 1):
            for ahead in (step, step - STEP_BACK):
                clock.set(ahead)
                told = (await plug.call("Heartbeat", {}))["currentTime"]
                assert abs(datetime.fromisoformat(told) - ahead - datetime.now(UTC)) < STEP_BACK / 2
            await plug.call("MeterValues", reading_of(transaction, hour))
            command = await ask(operator, identity, READ)
            await plug.answer(await plug.next_request(), CONFIGURATION)
            await becomes(cluster, command, "ACCEPTED")
        await plug.call("StopTransaction", stop_of(transaction, len(STEPS)))
        # Both processes still hear what is told to all of them.
        await asyncio.to_thread(until, lambda: listeners(own_redis) == {2}, "two subscribers")

        def is_beating() -> bool:
            """Since the last step back, too."""
            ((*_held, seen_at, heartbeat_at),) = rows(cluster.url, LEASE, identity)
            expected = datetime.now(UTC) + STEPS[-1] - STEP_BACK
            minute = timedelta(minutes=1)
            return bool(abs(heartbeat_at - expected) < minute and seen_at > expected - minute)

        await asyncio.to_thread(until, is_beating, "the gateway's own heartbeat")
        ((epoch, closed_at, is_online, *_times),) = rows(cluster.url, LEASE, identity)
        assert (epoch, closed_at, is_online) == (1, None, True)
        assert len(plug.requests) == len(STEPS)
    stored = "SELECT count(*) FROM transactions_reading WHERE session_id = %s"
    assert rows(cluster.url, stored, transaction)[0][0] >= len(STEPS)


def listeners(own_redis: RedisServer) -> set[int]:
    """How many processes listen to each of the gateways' groups."""
    with redis.Redis.from_url(own_redis.url) as client:
        channels = client.pubsub_channels("*ocpp-gateways*")
        return {count for _channel, count in client.pubsub_numsub(*channels)}


async def in_windows(
    plug: Plug, frames: list[tuple[str, Any]], size: int = 100
) -> AsyncIterator[tuple[str, Any, list[Any]]]:
    """Send `frames`, up to `size` before their answers; each with its answer, in order."""
    numbers = itertools.count(1)
    for start in range(0, len(frames), size):
        window = frames[start : start + size]
        sent = [(f"w{next(numbers)}", action, payload) for action, payload in window]
        for message_id, action, payload in sent:
            await plug.connection.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(60):
            for message_id, action, payload in sent:
                answer = json.loads(await plug.connection.recv())
                assert answer[1] == message_id
                yield action, payload, answer


async def test_T34_memory_does_not_grow_with_messages(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    server = await asyncio.to_thread(serve)
    sizes: dict[int, int] = {}
    done = 0

    async def talk(number: int, count: int) -> None:
        nonlocal done
        async with plugged(server.port, identity_of(670 + number)) as plug:
            await plug.boot()
            transaction = (await plug.call("StartTransaction", start_of(0)))["transactionId"]
            frames: list[tuple[str, Any]] = [
                ("MeterValues", reading_of(transaction, register))
                if register % 2
                else ("Heartbeat", {})
                for register in range(count)
            ]
            async for action, _payload, answer in in_windows(plug, frames):
                assert answer[0] == 3, (action, answer)
                done += 1

    async def round_of(messages: int) -> int:
        await asyncio.gather(*(talk(number, messages // 20) for number in range(20)))
        return memory_of(server.process.pid)

    sizes[done] = await round_of(WARM_UP)
    for _round in range(ROUNDS):
        size = await round_of(ROUND)
        sizes[done] = size
    first, *_between, last = sizes.values()
    assert done == WARM_UP + ROUNDS * ROUND
    assert last - first < MOST_GROWTH, {count: size >> 20 for count, size in sizes.items()}


async def test_T66_100_000_mangled_requests(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    """Without the limit on refused cards (T38), which would make most of the frames wait."""
    server = await asyncio.to_thread(lambda: serve(OCPP_REFUSED_CARDS_BURST=str(FRAMES)))
    is_over = asyncio.Event()
    kinds: set[int] = set()

    async def attack(number: int) -> None:
        batches = FRAMES // FRAMES_OF_ONE
        for batch in range(number, batches, 4):
            async with plugged(server.port, identity_of(700 + batch)) as plug:
                await plug.boot()
                frames = list(mangled(FRAMES_OF_ONE, seed=batch))
                async for action, payload, answer in in_windows(plug, frames):
                    assert answer[0] in (3, 4)
                    assert answer[2] != "InternalError", (action, payload)
                    kinds.add(answer[0])

    async with plugged(server.port, identity_of(690)) as witness:
        await witness.boot()
        transaction = (await witness.call("StartTransaction", start_of(0)))["transactionId"]
        watching = asyncio.create_task(measure_on(witness, transaction, is_over))
        try:
            await asyncio.gather(*(attack(number) for number in range(4)))
        finally:
            is_over.set()
        measured = await watching
        await witness.call("StopTransaction", stop_of(transaction, measured))
    assert kinds == {3, 4}
    assert server.is_ready()
    log = server.log.read_text()
    assert "Traceback" not in log
    energy = "SELECT state, energy_wh, is_held FROM transactions_session WHERE id = %s"
    assert rows(cluster.url, energy, transaction) == [("ENDED", measured, False)]


async def measure_on(plug: Plug, transaction: int, is_over: asyncio.Event) -> int:
    """The other charger's own work, confirmed reading by reading until it is over."""
    register = 0
    while not is_over.is_set():
        register += 1
        await plug.call("MeterValues", reading_of(transaction, register))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await is_over.wait()
    return register
