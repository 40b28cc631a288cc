"""The WebSocket of a live feed: a ticket opens it, then the server talks."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from django.db import InterfaceError, OperationalError

from csms.common import clock, tickets
from csms.common.tickets import Admission
from csms.console.audience import Audience
from csms.live import hub
from csms.live.feeds import Feed, Watcher, heartbeat

logger = structlog.get_logger(__name__)
HEARTBEAT_SECONDS = 15.0
# Who takes no more for so long is gone, or might as well be.
SEND_SECONDS = 20.0
TOO_SLOW = 4408
TOO_TALKATIVE = 1008
LONGEST_MESSAGE = 500
MOST_MESSAGES_A_MINUTE = 60
_REFUSALS = {
    401: b"The ticket is not valid.",
    429: b"Too many live feeds are open.",
    503: b"Try again later.",
}

Scope = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Entry:
    admission: Admission
    audience: Audience | None


def _admit(ticket: str) -> _Entry | None:
    """Use the ticket up and look whether its sign-in still counts."""
    admission = tickets.redeem(ticket, clock.now())
    if admission is None:
        return None
    allowed = hub.audiences({admission.sign_in_id})
    if admission.sign_in_id not in allowed:
        return None
    return _Entry(admission, allowed[admission.sign_in_id])


async def live(scope: Scope, receive: Any, send: Any) -> None:
    """The ASGI application at `/ws/live/`."""
    await receive()
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    try:
        entry = await hub.in_live_thread(_admit)(query.get("ticket", [""])[0])
    except (OperationalError, InterfaceError) as error:
        logger.error("live_feed_without_database", error=str(error))
        await _refuse(scope, send, 503)
        return
    if entry is None:
        await _refuse(scope, send, 401)
        return
    feeds, admission = hub.current(), entry.admission
    if feeds.is_full_for(admission.user_id):
        await _refuse(scope, send, 429)
        return
    await send({"type": "websocket.accept"})
    watcher = Watcher(admission.user_id, admission.sign_in_id, entry.audience)
    watcher.last_event_id = query.get("last_event_id", [""])[0]
    feed = feeds.watch(admission.feed, watcher)
    try:
        await _talk(feed, watcher, receive, send)
    finally:
        feeds.unwatch(feed, watcher)


async def _refuse(scope: Scope, send: Any, status: int) -> None:
    """Before the upgrade; a server that cannot answer so closes, which is a 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1000})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": _REFUSALS[status]})


async def _talk(feed: Feed, watcher: Watcher, receive: Any, send: Any) -> None:
    """Until the client leaves, or we close: whichever of the two is first."""
    talking = asyncio.create_task(_send_events(feed, watcher, send))
    listening = asyncio.create_task(_listen(feed, watcher, receive))
    try:
        done, _others = await asyncio.wait(
            {talking, listening}, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for task in (talking, listening):
            task.cancel()
        await asyncio.gather(talking, listening, return_exceptions=True)
    for task in done:
        task.result()


async def _send_events(feed: Feed, watcher: Watcher, send: Any) -> None:
    while True:
        text: str | None
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await watcher.news.wait()
        except TimeoutError:
            text = heartbeat(watcher.sent)
        else:
            watcher.news.clear()
            if watcher.close_code is not None:
                await _close(send, watcher.close_code)
                return
            text = feed.text_for(watcher)
        if text is None:
            continue
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "websocket.send", "text": text})
        except TimeoutError:
            await _close(send, TOO_SLOW)
            return
        if watcher.news.is_set():
            # A long list goes out between what others have to be told.
            await asyncio.sleep(0)


async def _close(send: Any, code: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "websocket.close", "code": code})


async def _listen(feed: Feed, watcher: Watcher, receive: Any) -> None:
    """Take what the client says: `last_event_id`, or nothing of interest."""
    window, count = 0.0, 0
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        now = time.monotonic()
        if now - window > 60:
            window, count = now, 0
        count += 1
        text = message.get("text") or ""
        if count > MOST_MESSAGES_A_MINUTE or len(text) > LONGEST_MESSAGE:
            watcher.close(TOO_TALKATIVE)
            await asyncio.Event().wait()
        known = _last_event_id(text)
        if known:
            # If it was sent something on opening, it is sent what follows that.
            watcher.resume(known)


def _last_event_id(text: str) -> str:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ""
    known = said.get("last_event_id") if isinstance(said, dict) else None
    return known if isinstance(known, str) else ""
