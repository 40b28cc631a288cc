"""uvicorn with this program's options, and with a drain before it closes sockets."""

import asyncio
import os
import socket
import ssl
import threading
from functools import partial

import structlog
import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from csms.file_limit import raise_file_limit
from csms.websocket import WebSocketProtocol
from ocpp_gateway import runtime

logger = structlog.get_logger(__name__)
# nginx and the chargers' own idle limits are at a minute or more; a dead peer shows within 45 s.
PING_INTERVAL_SECONDS = 30
PING_TIMEOUT_SECONDS = 15
# The drain takes at most 15 s, the rest is the server's: together under 25.
SHUTDOWN_SECONDS = 5
# A database that hangs holds up threads, which nothing can interrupt; a service manager kills after
# 30 s at the latest. Whatever is open by then was not confirmed to anybody.
EXIT_SECONDS = 22
# Who sends the head of a request byte by byte only wants to keep a socket occupied.
PATIENCE_SECONDS = 10


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's own, but it does not wait for ever for the head of a request."""

    _head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_due is None:  # a further request on a connection that is kept
            self._await_head()

    def on_headers_complete(self) -> None:
        self._forget_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_due = self.loop.call_later(PATIENCE_SECONDS, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
        self._head_due = None


class Server(uvicorn.Server):
    """Lets messages in flight finish before uvicorn closes the sockets under them."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """A loop gives a TLS handshake a minute, and uvicorn has no option for less."""
        loop = asyncio.get_running_loop()
        listen = loop.create_server
        if self.config.ssl is not None:
            patient = partial(listen, ssl_handshake_timeout=PATIENCE_SECONDS)
            loop.create_server = patient  # type: ignore[method-assign]
        try:
            await super().startup(sockets)
        finally:
            loop.create_server = listen  # type: ignore[method-assign]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        await runtime.drain()
        await super().shutdown(sockets)


class ProcessServer(Server):
    """The only server of its process, which ends in time whatever hangs."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        giving_up = threading.Timer(EXIT_SECONDS, _give_up)
        giving_up.daemon = True  # goes on while the interpreter waits for the hung threads
        giving_up.start()
        await super().shutdown(sockets)


def _give_up() -> None:
    logger.error("server_did_not_end", seconds=EXIT_SECONDS)
    os._exit(1)


def configure(
    host: str, port: int, *, context: ssl.SSLContext | None = None, **options: object
) -> uvicorn.Config:
    """The options that every process of ours runs with; `options` override them.

    `context`: to end TLS here.

    Its "websockets-sansio" measured fastest and smallest of uvicorn's implementations; compression
    is off, because a frame of 300 bytes costs more CPU to inflate than it saves bandwidth and each
    compressed socket keeps buffers of its own.
    """
    return uvicorn.Config(
        "csms.asgi:application",
        host=host,
        port=port,
        **{
            "http": HttpProtocol,
            "ws": WebSocketProtocol,
            "ws_max_size": settings.OCPP_MAX_FRAME_BYTES,
            "ws_per_message_deflate": False,
            "ws_ping_interval": PING_INTERVAL_SECONDS,
            "ws_ping_timeout": PING_TIMEOUT_SECONDS,
            "lifespan": "on",
            "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
            "backlog": 4096,
            "proxy_headers": False,
            "server_header": False,
            "access_log": False,
            "log_config": None,
            "log_level": "warning",
            "ssl_context_factory": None if context is None else lambda _config, _make: context,
            **options,
        },
    )


def serve(host: str, port: int, *, context: ssl.SSLContext | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    raise_file_limit()
    config = configure(host, port, context=context)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(ProcessServer(config).serve())
