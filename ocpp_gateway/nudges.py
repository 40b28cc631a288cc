"""Hints between processes that may be lost: a command waits, a socket has to close.

Runtimes in the same process are told directly, the others through one channel-layer group.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import structlog
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

logger = structlog.get_logger(__name__)
GROUP = "ocpp-gateways"
COMMAND = "gateway.command"
SUPERSEDED = "gateway.superseded"
ARCHIVED = "gateway.archived"
UNAUTHENTICATED = "gateway.unauthenticated"
SEND_TIMEOUT_SECONDS = 3


class Listener(Protocol):
    """A gateway runtime of this process."""

    loop: asyncio.AbstractEventLoop

    def hear(self, message: dict[str, Any]) -> None: ...


_listeners: list[Listener] = []


def add_listener(listener: Listener) -> None:
    _listeners.append(listener)


def remove_listener(listener: Listener) -> None:
    _listeners.remove(listener)


def command_waits(station_id: int) -> dict[str, Any]:
    return {"type": COMMAND, "station_id": station_id}


def archived(station_id: int) -> dict[str, Any]:
    return {"type": ARCHIVED, "station_id": station_id}


def unauthenticated(station_id: int) -> dict[str, Any]:
    return {"type": UNAUTHENTICATED, "station_id": station_id}


def superseded(station_id: int, epoch: int) -> dict[str, Any]:
    return {"type": SUPERSEDED, "station_id": station_id, "epoch": epoch}


def _tell_local(message: Mapping[str, Any]) -> None:
    for listener in list(_listeners):
        if not listener.loop.is_closed():
            listener.loop.call_soon_threadsafe(listener.hear, dict(message))


async def broadcast(message: dict[str, Any]) -> None:
    """Tell every gateway process; a channel layer that is down is logged, no more."""
    _tell_local(message)
    layer = get_channel_layer()
    if isinstance(layer, InMemoryChannelLayer):
        return  # nobody else could hear it
    try:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await layer.group_send(GROUP, message)
    except Exception as error:
        logger.warning("nudge_not_sent", error=str(error))


def send(message: dict[str, Any]) -> None:
    """`broadcast` for a thread without an event loop."""
    async_to_sync(broadcast)(message)
