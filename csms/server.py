"""uvicorn with this program's options, and with a drain before it closes sockets."""

import asyncio
import socket

import uvicorn
from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ocpp_gateway import runtime

# nginx and the chargers' own idle limits are at a minute or more; a dead peer shows within 45 s.
PING_INTERVAL_SECONDS = 30
PING_TIMEOUT_SECONDS = 15
# The drain takes at most 15 s, the rest is the server's: together under 25.
SHUTDOWN_SECONDS = 5


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own, but a socket forgets its handshake: 3 of 20 KB that an idle one costs."""

    def start_keepalive(self) -> None:
        """Called once the upgrade is answered; nothing looks at request and response after it."""
        super().start_keepalive()
        del self.request, self.response


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
