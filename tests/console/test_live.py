"""The WebSockets behind the moving pages."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.db import connections
from django.test import Client

from accounts.domain.access import SessionEnd
from accounts.models import ConsoleSession, User
from accounts.services import console_sessions
from chargepoints.models import Station
from csms.common.clock import now
from csms.console import broadcast, consumers
from csms.console.routing import websocket_urlpatterns
from tests.console.conftest import World

pytestmark = pytest.mark.django_db(transaction=True)
DASHBOARD = "/ws/console/dashboard/"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)


@pytest.fixture
async def connect(
    world: World, sign_in: Callable[[User], Client]
) -> AsyncIterator[Callable[..., Any]]:
    opened = []

    async def open_socket(
        user: User | None, path: str = DASHBOARD, origin: str = "http://testserver"
    ) -> WebsocketCommunicator | None:
        headers = [(b"origin", origin.encode())]
        if user is not None:
            client = await sync_to_async(sign_in)(user)
            headers.append((b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()))
        socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), path, headers)
        is_open, _code = await socket.connect()
        if not is_open:
            return None
        opened.append(socket)
        return socket

    yield open_socket
    for socket in opened:
        await socket.disconnect()
    # Of the thread in which the async ORM and the client worked.
    await sync_to_async(connections.close_all)()
    assert len(broadcast.broadcaster) == 0, "a feed outlived its last watcher"


async def test_numbers_move_and_only_when_they_changed(
    world: World, connect: Callable[..., Any]
) -> None:
    socket = await connect(world.staff)
    first = await socket.receive_json_from()
    assert first["tiles"]["online"] == 0
    assert [s["identity"] for s in first["stations"]] == ["OURS-1"]
    await Station.objects.filter(pk=world.ours.pk).aupdate(is_online=True)
    second = await socket.receive_json_from()
    assert second["tiles"]["online"] == 1
    await Station.objects.filter(pk=world.theirs.pk).aupdate(is_online=True)
    assert await socket.receive_nothing(timeout=0.2)


async def test_pages_of_stations_and_sessions_are_scoped(
    world: World, connect: Callable[..., Any]
) -> None:
    station = await connect(world.staff, f"/ws/console/stations/{world.ours.pk}/")
    assert len((await station.receive_json_from())["connectors"]) == 2
    session = await connect(world.staff, f"/ws/console/sessions/{world.our_session.public_id}/")
    assert (await session.receive_json_from())["session"]["state"] == "ACTIVE"
    assert await connect(world.staff, f"/ws/console/stations/{world.theirs.pk}/") is None
    foreign = f"/ws/console/sessions/{world.their_session.public_id}/"
    assert await connect(world.staff, foreign) is None


async def test_strangers_half_signed_in_and_foreign_pages_are_refused(
    world: World, client: Client, connect: Callable[..., Any]
) -> None:
    assert await connect(None) is None
    assert await connect(world.superadmin, origin="http://evil.example") is None
    await sync_to_async(client.logout)()
    await sync_to_async(client.force_login)(
        world.superadmin, backend="accounts.backends.EmailBackend"
    )
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    socket = WebsocketCommunicator(
        URLRouter(websocket_urlpatterns),
        DASHBOARD,
        [(b"origin", b"http://testserver"), (b"cookie", cookie)],
    )
    assert await socket.connect() == (False, 1000)


async def test_a_sign_out_ends_the_feed(
    world: World, client: Client, connect: Callable[..., Any]
) -> None:
    socket = await connect(world.staff)
    await socket.receive_json_from()
    await sync_to_async(client.logout)()
    closed = await socket.receive_output()
    assert closed == {"type": "websocket.close", "code": consumers.NOT_SIGNED_IN}


async def test_losing_an_operator_ends_the_feed(world: World, connect: Callable[..., Any]) -> None:
    socket = await connect(world.staff)
    await socket.receive_json_from()
    await world.staff.operators.aclear()
    message = await socket.receive_output()
    while message["type"] == "websocket.send":
        assert b"THEIRS" not in message["text"].encode()
        message = await socket.receive_output()
    assert message["code"] == consumers.NOT_SIGNED_IN


async def test_a_session_that_is_ended_elsewhere_ends_the_feed(
    world: World, connect: Callable[..., Any]
) -> None:
    socket = await connect(world.staff)
    await socket.receive_json_from()
    session = await ConsoleSession.objects.aget(user=world.staff)
    await sync_to_async(console_sessions.end)(
        session, SessionEnd.ENDED_BY_PERSON, actor=world.superadmin, at=now()
    )
    closed = await socket.receive_output()
    assert closed == {"type": "websocket.close", "code": consumers.NOT_SIGNED_IN}
