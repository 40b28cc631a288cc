"""Gateways that are killed or stopped, and services that restart under them."""

import asyncio
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.acceptance.installation import PYTHON, ROOT, STOPPED, Installation, RedisServer, until
from tests.faults.cluster import Cluster
from tests.faults.conftest import Serve
from tests.faults.proxy import Proxy, Watch
from tests.faults.wire import Plug, identity_of, plugged, reading_of, rows, start_of, stop_of

pytestmark = [pytest.mark.faults, pytest.mark.slow]
SESSIONS = (
    "SELECT s.id FROM transactions_session s JOIN chargepoints_station c ON c.id = s.station_id"
)


def swallow_the_commit_of_a_session() -> Watch:
    """For one connection to the database: whether it commits a session now."""
    has_session = False

    def watch(data: bytes) -> bool:
        nonlocal has_session
        has_session = has_session or b'INSERT INTO "transactions_session"' in data
        return has_session and b"COMMIT" in data

    return watch


async def test_T02_kill_9_between_commit_and_answer(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    identity = identity_of(2)
    proxy = Proxy(cluster.port, swallow_the_commit_of_a_session)
    first = await asyncio.to_thread(serve, DATABASE_URL=proxy.instead_of(cluster.url))
    start = start_of(5_000)
    async with plugged(first.port, identity) as plug:
        await plug.boot()
        asking = asyncio.create_task(plug.exchange("StartTransaction", start))
        find = f"{SESSIONS} WHERE identity = %s"
        ((stored,),) = await asyncio.to_thread(
            until, lambda: rows(cluster.url, find, identity), "the committed session"
        )
        assert not asking.done()
        first.kill()
        with pytest.raises(ConnectionClosed):
            await asking
    assert proxy.has_swallowed.is_set()
    proxy.close()

    second = await asyncio.to_thread(serve)
    async with plugged(second.port, identity) as plug:
        await plug.boot()
        answer = await plug.call("StartTransaction", start)
        assert answer["transactionId"] == stored
        await plug.call("StopTransaction", stop_of(stored, 5_100))
    assert rows(cluster.url, find, identity) == [(stored,)]


async def test_T03_sigterm_with_500_sockets(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    server = await asyncio.to_thread(serve)
    async with AsyncExitStack() as stack:
        plugs = [
            await stack.enter_async_context(plugged(server.port, identity_of(number)))
            for number in range(500)
        ]
        # Twenty of them are in the middle of something.
        busy = [
            asyncio.create_task(plug.exchange("StartTransaction", start_of(number)))
            for number, plug in enumerate(plugs[100:120])
        ]
        await asyncio.sleep(0)
        for plug in plugs[100:120]:
            await plug.connection.ping()  # their requests are on the wire
        began = time.monotonic()
        code = await asyncio.to_thread(server.stop)
        took = time.monotonic() - began
        answers = await asyncio.gather(*busy, return_exceptions=True)
        await asyncio.gather(*(plug.connection.wait_closed() for plug in plugs))
        codes = {plug.connection.close_code for plug in plugs}
    assert code in STOPPED
    assert took <= 25
    assert codes == {1012}
    confirmed = {answer[2]["transactionId"] for answer in answers if isinstance(answer, list)}
    stored = {row[0] for row in rows(cluster.url, SESSIONS)}
    assert confirmed <= stored


@pytest.mark.parametrize("how", ["the network swallows", "the database is stopped"])
async def test_T03_sigterm_while_the_database_hangs(
    fleet: Installation, cluster: Cluster, serve: Serve, how: str
) -> None:
    """Its connections stay open, and nothing on them is ever answered."""
    proxy = Proxy(cluster.port)
    server = await asyncio.to_thread(serve, DATABASE_URL=proxy.instead_of(cluster.url))
    async with AsyncExitStack() as stack:
        plugs = [
            await stack.enter_async_context(plugged(server.port, identity_of(640 + number)))
            for number in range(20)
        ]
        for plug in plugs:
            await plug.boot()
        (proxy if how == "the network swallows" else cluster).freeze()
        try:
            busy = [
                asyncio.create_task(plug.exchange("StartTransaction", start_of(number)))
                for number, plug in enumerate(plugs[:10])
            ]
            for plug in plugs[:10]:
                await plug.connection.ping()
            await plugs[10].exchange("Heartbeat", {})  # whatever needs no database goes on
            code = await asyncio.to_thread(server.stop)
        finally:
            cluster.thaw()
        answers = await asyncio.gather(*busy, return_exceptions=True)
        await asyncio.gather(*(plug.connection.wait_closed() for plug in plugs))
    proxy.close()
    # 1: it was given up, which its service manager may know.
    assert code in STOPPED | {1}
    assert not [answer for answer in answers if isinstance(answer, list) and answer[0] == 3]
    assert {plug.connection.close_code for plug in plugs[10:]} == {1012}


async def keep_measuring(
    plug: Plug, transaction: int, until_true: asyncio.Event, acknowledged: list[tuple[int, int]]
) -> None:
    """Measure until told to stop; what is not confirmed is sent again, as chargers do."""
    register = 0
    while not until_true.is_set():
        register += 1
        answer = await plug.exchange("MeterValues", reading_of(transaction, register))
        assert answer[0] == 3 or answer[2] == "InternalError", answer
        if answer[0] == 3:
            acknowledged.append((transaction, register))
        await asyncio.sleep(0.5)


async def stop(plug: Plug, transaction: int) -> None:
    """A connection to the database that died may cost one refusal each; the stop is repeated."""
    for _attempt in range(10):
        answer = await plug.exchange("StopTransaction", stop_of(transaction, 1_000))
        if answer[0] == 3:
            return
        await asyncio.sleep(0.5)
    pytest.fail(f"The stop is refused: {answer}")


async def test_T04_postgresql_restarts_under_100_sessions(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    server = await asyncio.to_thread(serve)
    acknowledged: list[tuple[int, int]] = []
    is_over = asyncio.Event()
    async with AsyncExitStack() as stack:
        plugs = [
            await stack.enter_async_context(plugged(server.port, identity_of(200 + number)))
            for number in range(100)
        ]
        started = await asyncio.gather(
            *(plug.call("StartTransaction", start_of(0)) for plug in plugs)
        )
        transactions = [answer["transactionId"] for answer in started]
        measuring = [
            asyncio.create_task(keep_measuring(plug, transaction, is_over, acknowledged))
            for plug, transaction in zip(plugs, transactions, strict=True)
        ]
        await asyncio.to_thread(until, lambda: len(acknowledged) >= 200, "readings")
        await asyncio.to_thread(cluster.stop, "immediate")
        await asyncio.sleep(2)
        await asyncio.to_thread(cluster.start)
        back = time.monotonic()
        known = len(acknowledged)
        # Healed: every one of the hundred has had a reading confirmed since.
        await asyncio.to_thread(
            until,
            lambda: len({transaction for transaction, _register in acknowledged[known:]}) == 100,
            "all sessions to go on",
            30,
        )
        # What the probe last saw may be of the outage.
        await asyncio.to_thread(until, server.is_ready, "the server to be ready", 30)
        assert time.monotonic() - back <= 30
        is_over.set()
        await asyncio.gather(*measuring)
        await asyncio.gather(
            *(
                stop(plug, transaction)
                for plug, transaction in zip(plugs, transactions, strict=True)
            )
        )
    query = "SELECT session_id, energy_wh FROM transactions_reading WHERE session_id = ANY(%s)"
    stored = set(rows(cluster.url, query, transactions))
    assert set(acknowledged) <= stored
    ended = "SELECT count(*) FROM transactions_session WHERE state = 'ENDED' AND id = ANY(%s)"
    assert rows(cluster.url, ended, transactions) == [(100,)]


async def test_T07_redis_restarts(fleet: Installation, own_redis: RedisServer) -> None:
    """Commands: `test_start_and_stop_reach_the_charger_with_and_without_redis`. Here, the jobs."""
    log = fleet.folder / "worker.log"
    worker = start_worker(fleet, log)
    try:
        await asyncio.to_thread(until, lambda: done_in(log) > 0, "the first job", 60)
        own_redis.stop()
        await asyncio.sleep(3)
        done = done_in(log)
        own_redis.start()
        await asyncio.to_thread(until, lambda: done_in(log) > done, "a job after Redis", 60)
    finally:
        worker.terminate()
        worker.wait(60)


def start_worker(fleet: Installation, log: Path) -> "subprocess.Popen[bytes]":
    command = (str(PYTHON), "-m", "celery", "-A", "csms", "worker", "--beat", "-l", "INFO")
    with log.open("wb") as output:
        return subprocess.Popen(
            [*command, "--concurrency", "1", "--schedule", str(fleet.folder / "beat")],
            cwd=ROOT,
            env=fleet.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def done_in(log: Path) -> int:
    return log.read_text().count(" succeeded in ")
