"""Who is asked whether it is still there, and how its answer is read."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.frames import Opcode

from csms.websocket import WebSocketProtocol
from tests.infra.test_websocket import UPGRADE, Transport, frame

INTERVAL = 60.0
A_TEXT = frame(Opcode.TEXT, b"[2]")


@pytest.fixture
async def protocol() -> AsyncIterator[WebSocketProtocol]:
    """One whose upgrade is answered, and whose first ping is due in a minute."""

    is_open = asyncio.Event()

    async def silent(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        is_open.set()
        while (await receive())["type"] != "websocket.disconnect":
            pass

    config = uvicorn.Config(silent, ws_ping_interval=INTERVAL, ws_per_message_deflate=False)
    config.load()
    state = ServerState()
    opened = WebSocketProtocol(config, state, {})
    transport = Transport()
    opened.connection_made(transport)
    opened.data_received(UPGRADE)
    async with asyncio.timeout(10):
        await is_open.wait()
    transport.written = b""
    yield opened
    opened.connection_lost(None)
    opened.stop_keepalive()
    await asyncio.wait(state.tasks or [asyncio.ensure_future(asyncio.sleep(0))])


def written(protocol: WebSocketProtocol) -> bytes:
    assert isinstance(protocol.transport, Transport)
    return protocol.transport.written


def due_in(protocol: WebSocketProtocol) -> float:
    """Seconds until the next look."""
    assert protocol.ping_timer is not None
    return protocol.ping_timer.when() - protocol.loop.time()


async def test_a_silent_one_is_asked_and_its_answer_ends_the_wait(
    protocol: WebSocketProtocol,
) -> None:
    protocol.send_keepalive_ping()
    opcode, size, *payload = written(protocol)
    assert (opcode, size) == (0x89, 4)
    assert protocol.pong_timer is not None
    protocol.data_received(frame(Opcode.PONG, bytes(payload)))
    assert protocol.pong_timer is None
    assert due_in(protocol) == pytest.approx(INTERVAL, abs=5)


@pytest.mark.parametrize("answer", [b"", b"none", b"longer than any ping of ours"])
async def test_an_answer_to_something_else_is_none(
    protocol: WebSocketProtocol, answer: bytes
) -> None:
    protocol.send_keepalive_ping()
    protocol.data_received(frame(Opcode.PONG, answer))
    assert protocol.pong_timer is not None


async def test_who_said_something_is_asked_only_an_interval_later(
    protocol: WebSocketProtocol,
) -> None:
    protocol.data_received(A_TEXT)
    protocol.send_keepalive_ping()
    assert written(protocol) == b""
    assert protocol.pong_timer is None
    assert due_in(protocol) == pytest.approx(INTERVAL, abs=5)


async def test_what_was_said_long_ago_counts_as_silence(
    protocol: WebSocketProtocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol.data_received(A_TEXT)
    later = protocol.loop.time() + INTERVAL
    monkeypatch.setattr(protocol.loop, "time", lambda: later)
    protocol.send_keepalive_ping()
    monkeypatch.undo()
    assert written(protocol)[0] == 0x89


async def test_a_pong_that_comes_with_other_frames_is_read_too(
    protocol: WebSocketProtocol,
) -> None:
    protocol.send_keepalive_ping()
    payload = written(protocol)[2:]
    protocol.data_received(frame(Opcode.PONG, payload) + A_TEXT)
    assert protocol.pong_timer is None
