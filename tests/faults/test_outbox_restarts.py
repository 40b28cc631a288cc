"""Commands that wait, and commands that are out, when the services they depend on go away."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.acceptance.conftest import client_with_key
from tests.acceptance.installation import STOPPED, Client, Installation, RedisServer, until
from tests.faults.cluster import Cluster
from tests.faults.command_log import command_log, histories
from tests.faults.conftest import Serve
from tests.faults.proxy import Proxy, Watch
from tests.faults.wire import Plug, identity_of, plugged, rows

pytestmark = [pytest.mark.faults, pytest.mark.slow]
START = {"command": "start_charging", "id_token": "CARD0001", "connector_id": 1}
READ = {"command": "get_configuration", "keys": ["HeartbeatInterval"]}
CONFIGURATION = {"configurationKey": [], "unknownKey": ["HeartbeatInterval"]}


async def ask(operator: Client, identity: str, body: dict[str, Any]) -> str:
    path = f"/api/admin/chargepoints/{identity}/commands"
    status, answer = await asyncio.to_thread(operator.call, "POST", path, body)
    assert status == 202, answer
    return str(answer["id"])


async def becomes(cluster: Cluster, command: str, *states: str) -> None:
    """Wait until the command has one of `states`, which the database says itself."""
    query = "SELECT status FROM chargepoints_command WHERE id = %s"
    await asyncio.to_thread(
        until, lambda: rows(cluster.url, query, command)[0][0] in states, f"{states}", 30
    )


class Scene:
    """A charger that owes an answer, with another command behind it, and one that is offline."""

    def __init__(
        self, number: int, cluster: Cluster, serve: Serve, stack: AsyncExitStack, fleet: Any
    ) -> None:
        self.here, self.away = identity_of(number), identity_of(number + 1)
        self.cluster = cluster
        self.serve = serve
        self.stack = stack
        self.fleet = fleet

    async def set(self) -> None:
        web = await asyncio.to_thread(self.serve)
        self.gateway = await asyncio.to_thread(self.serve)
        self.operator = await asyncio.to_thread(client_with_key, self.fleet, web, "operate", "read")
        self.plug = await self.connect(self.here)
        self.started = await ask(self.operator, self.here, START)
        self.request = await self.plug.next_request()
        assert self.request[2] == "RemoteStartTransaction"
        self.behind = await ask(self.operator, self.here, READ)
        self.waiting = await ask(self.operator, self.away, START)

    async def connect(self, identity: str) -> Plug:
        plug = await self.stack.enter_async_context(plugged(self.gateway.port, identity))
        await plug.boot()
        return plug

    async def move(self) -> None:
        """The gateway is another one by now; the charger comes back, and then answers."""
        self.gateway = await asyncio.to_thread(self.serve)
        told = self.plug.requests
        self.plug = await self.connect(self.here)
        self.plug.requests = told + self.plug.requests
        await becomes(self.cluster, self.started, "TIMED_OUT")

    async def end(self) -> None:
        """All that was asked for is done, each once."""
        await self.plug.answer(self.request, {"status": "Accepted"})
        await becomes(self.cluster, self.started, "ACCEPTED")
        while len(self.plug.requests) < 2:
            await self.plug.next_request()
        read = self.plug.requests[1]
        assert read[2] == "GetConfiguration"
        await self.plug.answer(read, CONFIGURATION)
        await becomes(self.cluster, self.behind, "ACCEPTED")
        late = await self.connect(self.away)
        if not late.requests:
            await late.next_request()
        await late.answer(late.requests[0], {"status": "Accepted"})
        await becomes(self.cluster, self.waiting, "ACCEPTED")
        for plug in (self.plug, late):
            await plug.exchange("Heartbeat", {})
        # Nothing came twice, on whatever socket.
        assert [request[2] for request in self.plug.requests] == [
            "RemoteStartTransaction",
            "GetConfiguration",
        ]
        assert [request[2] for request in late.requests] == ["RemoteStartTransaction"]


Fault = Callable[[Scene], Awaitable[None]]


async def outlive(
    number: int, fault: Fault, fleet: Installation, cluster: Cluster, serve: Serve
) -> dict[str, list[str]]:
    """Set the scene, let `fault` happen, and see all commands end; the states they went through."""
    async with AsyncExitStack() as stack:
        scene = Scene(number, cluster, serve, stack, fleet)
        with command_log(cluster.url):
            await scene.set()
            await fault(scene)
            await scene.end()
            found = histories(cluster.url)
        mine = {"started": scene.started, "behind": scene.behind, "waiting": scene.waiting}
        return {name: found[command] for name, command in mine.items()}


ONCE = ["SENT", "ACCEPTED"]
LATE = ["SENT", "TIMED_OUT", "ACCEPTED"]


async def kill(scene: Scene) -> None:
    await asyncio.to_thread(scene.gateway.kill)
    await scene.move()


async def terminate(scene: Scene) -> None:
    assert await asyncio.to_thread(scene.gateway.stop) in STOPPED
    await scene.move()


@pytest.mark.parametrize(("number", "fault"), [(620, kill), (622, terminate)])
async def test_T01_commands_outlive_the_gateway(
    number: int, fault: Fault, fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    found = await outlive(number, fault, fleet, cluster, serve)
    assert found == {"started": LATE, "behind": ONCE, "waiting": ONCE}


async def test_T04_commands_outlive_postgresql(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    """The charger answers while the database is away: that answer counts, too."""

    async def restart(scene: Scene) -> None:
        await asyncio.to_thread(cluster.stop, "immediate")
        try:
            await scene.plug.answer(scene.request, {"status": "Accepted"})
            await scene.plug.exchange("Heartbeat", {})  # it was read by now
        finally:
            await asyncio.to_thread(cluster.start)
        await becomes(cluster, scene.started, "ACCEPTED")

    found = await outlive(624, restart, fleet, cluster, serve)
    assert found == {"started": ONCE, "behind": ONCE, "waiting": ONCE}


async def test_T07_commands_outlive_redis(
    fleet: Installation, cluster: Cluster, serve: Serve, own_redis: RedisServer
) -> None:
    """What is asked for while Redis is away: `tests/acceptance/test_remote_control.py`."""

    async def restart(scene: Scene) -> None:
        await asyncio.to_thread(own_redis.stop)
        try:
            await scene.plug.exchange("Heartbeat", {})
        finally:
            await asyncio.to_thread(own_redis.start)

    found = await outlive(626, restart, fleet, cluster, serve)
    assert found == {"started": ONCE, "behind": ONCE, "waiting": ONCE}


def swallow_the_commit_of_a_claim() -> Watch:
    """For one connection to the database: whether it commits that a command goes out."""
    has_claim = False

    def watch(data: bytes) -> bool:
        nonlocal has_claim
        has_claim = has_claim or (b'UPDATE "chargepoints_command"' in data and b"SENT" in data)
        return has_claim and b"COMMIT" in data

    return watch


async def test_T01_kill_9_between_claim_and_send(
    fleet: Installation, cluster: Cluster, serve: Serve
) -> None:
    """The command is stored as sent and never was: its outcome is unknown, and it stays unsent."""
    identity = identity_of(628)
    proxy = Proxy(cluster.port, swallow_the_commit_of_a_claim)
    web = await asyncio.to_thread(serve)
    first = await asyncio.to_thread(serve, DATABASE_URL=proxy.instead_of(cluster.url))
    operator = await asyncio.to_thread(client_with_key, fleet, web, "operate", "read")
    async with plugged(first.port, identity) as plug:
        await plug.boot()
        command = await ask(operator, identity, START)
        await becomes(cluster, command, "SENT")
        await asyncio.to_thread(proxy.has_swallowed.wait, 30)
        await asyncio.to_thread(first.kill)
        assert plug.requests == []
    proxy.close()
    second = await asyncio.to_thread(serve)
    async with plugged(second.port, identity) as plug:
        await plug.boot()
        await becomes(cluster, command, "TIMED_OUT")
        following = await ask(operator, identity, READ)
        request = await plug.next_request()
        await plug.answer(request, CONFIGURATION)
        await becomes(cluster, following, "ACCEPTED")
        await plug.exchange("Heartbeat", {})
        assert plug.requests == [request]
        assert request[2] == "GetConfiguration"
    await becomes(cluster, command, "TIMED_OUT")
