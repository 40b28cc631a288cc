"""The one ASGI application: web pages and API, chargers' sockets, people's live sockets."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings.local")
web = get_asgi_application()

# What follows needs the apps that the line above has loaded.
from csms.common.api.tickets import LIVE_PATH  # noqa: E402
from csms.console.routing import websocket_urlpatterns  # noqa: E402
from csms.live.socket import live as live_feed  # noqa: E402
from ocpp_gateway import handshake, routing, runtime  # noqa: E402

console = URLRouter(websocket_urlpatterns)


async def websocket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Chargers go past sessions, cookies and origins: those are for people.

    Live feeds, too: their one-time ticket says who it is, whatever page it comes from.
    """
    if handshake.is_gateway_path(scope["path"]):
        await routing.charger(scope, receive, send)
    elif scope["path"] == LIVE_PATH:
        await live_feed(scope, receive, send)
    elif any(route.pattern.match(scope["path"].lstrip("/")) for route in websocket_urlpatterns):
        await console(scope, receive, send)
    else:
        await receive()
        await handshake.refuse(scope, send, 404)


async def lifespan(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Start the gateway with the server and stop it before the server ends."""
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            await runtime.current()
            await send({"type": "lifespan.startup.complete"})
        else:
            await runtime.shut_down()
            await send({"type": "lifespan.shutdown.complete"})
            return


application = ProtocolTypeRouter({"http": web, "websocket": websocket, "lifespan": lifespan})
