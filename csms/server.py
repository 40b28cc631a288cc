"""uvicorn with this program's options, and with a drain before it closes sockets."""

import asyncio
import socket

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ocpp_gateway import runtime

# nginx and the chargers' own idle limits are at a minute or more; a dead peer shows within 45 s.
PING_INTERVAL_SECONDS = 30
PING_TIMEOUT_SECONDS = 15
# The drain takes at most 15 s, the rest is the server's: together under 25.
SHUTDOWN_SECONDS = 5
# Who sends the head of a request, or a frame, byte by byte only wants to keep a socket occupied.
PATIENCE_SECONDS = 10
LEAST_BYTES = 1_000


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own, but a socket forgets its handshake: 3 of 20 KB that an idle one costs."""

    def start_keepalive(self) -> None:
        """Called once the upgrade is answered; nothing looks at request and response after it."""
        super().start_keepalive()
        del self.request, self.response

    # A frame that has begun and is not complete: since when it is watched, and what came of it.
    _watch: asyncio.TimerHandle | None = None
    _received = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.reader.buffer:
            self._received += len(data)
            if self._watch is None:
                self._watch = self.loop.call_later(PATIENCE_SECONDS, self._look)
        elif self._watch is not None:
            self._unwatch()

    def _look(self) -> None:
        """Go on waiting for what grows, and for what we ourselves do not read."""
        if self._received < LEAST_BYTES and not self.read_paused:
            self._unwatch()
            self.transport.abort()
            return
        self._received = 0
        self._watch = self.loop.call_later(PATIENCE_SECONDS, self._look)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = None
        self._received = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        await runtime.drain()
        await super().shutdown(sockets)


def configure(host: str, port: int, **options: object) -> uvicorn.Config:
    """The options that every process of ours runs with; `options` override them.

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
            **options,
        },
    )


def serve(host: str, port: int, **options: object) -> None:
    """Run until SIGTERM or SIGINT."""
    config = configure(host, port, **options)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(Server(config).serve())
