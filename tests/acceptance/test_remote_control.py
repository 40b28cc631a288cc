"""Web and gateway in two processes: commands reach the charger, whatever becomes of Redis."""

import asyncio
import shutil
from typing import Any

import pytest

from tests.acceptance.cars import Car, connected, soon
from tests.acceptance.conftest import IS_POSTGRESQL, client_with_key
from tests.acceptance.installation import STOPPED, Client, Installation, RedisServer

IDENTITY = "ACC-REMOTE"
pytestmark = [
    pytest.mark.skipif(not IS_POSTGRESQL, reason="two processes share a PostgreSQL: none given"),
    pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server on this machine"),
]


async def ask(client: Client, body: dict[str, Any], key: str = "") -> str:
    """Ask for a command; its id."""
    headers = {"Idempotency-Key": key} if key else {}
    path = f"/api/admin/chargepoints/{IDENTITY}/commands"
    status, answer = await asyncio.to_thread(client.call, "POST", path, body, **headers)
    assert status == 202, answer
    return str(answer["id"])


async def outcome(client: Client, command_id: str) -> str:
    path = f"/api/admin/commands/{command_id}?wait=20"
    return str((await asyncio.to_thread(client.get, path))["status"])


async def charge(client: Client, car: Car) -> None:
    """From an idle car to a running session."""
    car.has_started.clear()
    command = await ask(client, {"command": "start_charging", "id_token": "CARD0001"})
    assert await outcome(client, command) == "ACCEPTED"
    await soon(car.has_started)


async def finish(client: Client, car: Car) -> None:
    car.has_stopped.clear()
    body = {"command": "stop_charging", "transaction_id": car.transaction_id}
    assert await outcome(client, await ask(client, body)) == "ACCEPTED"
    await soon(car.has_stopped)


async def test_start_and_stop_reach_the_charger_with_and_without_redis(
    installation: Installation, redis_server: RedisServer
) -> None:
    web = await asyncio.to_thread(installation.serve, "serve")
    gateway = await asyncio.to_thread(installation.serve, "uvicorn")
    operator = await asyncio.to_thread(client_with_key, installation, web, "operate", "read")
    async with connected(gateway, IDENTITY) as car:
        await car.boot()

        # Both there.
        await charge(operator, car)
        (connection,) = (await asyncio.to_thread(operator.get, "/connections"))["results"]
        assert connection["identity"] == IDENTITY
        assert connection["node"]["process_id"] == gateway.process.pid
        # Redis is gone before the command.
        redis_server.stop()
        await finish(operator, car)
        await charge(operator, car)
        # Redis comes back.
        redis_server.start()
        await finish(operator, car)

        # Redis goes between the command and its answer.
        car.may_answer.clear()
        car.was_told.clear()
        car.has_started.clear()
        body = {"command": "start_charging", "id_token": "CARD0001"}
        command = await ask(operator, body, "once")
        await soon(car.was_told)
        redis_server.stop()
        # The caller did not see the answer and asks again: it is the same command.
        assert await ask(operator, body, "once") == command
        car.may_answer.set()
        assert await outcome(operator, command) == "ACCEPTED"
        await soon(car.has_started)
        await finish(operator, car)
        redis_server.start()

        assert [told.split()[0] for told in car.told] == ["start", "stop"] * 3
    sessions = operator.sessions_of(IDENTITY)
    assert [(row["state"], row["end_reason"]) for row in sessions] == [("ENDED", "Remote")] * 3
    assert {web.stop(), gateway.stop()} <= STOPPED
