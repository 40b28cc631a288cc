"""How a caller gets to a live feed over the API: an address with a one-time ticket."""

from typing import Any
from urllib.parse import urlencode

from rest_framework import serializers
from rest_framework.request import Request

from csms.common import clock, tickets
from csms.common.tickets import LIFETIME, Admission

LIVE_PATH = "/ws/live/"
EXAMPLE: dict[str, Any] = {
    "url": "wss://csms.example.co.th/ws/live/?ticket=2kq0…",
    "ticket": "2kq0…",
    "expires_at": "2026-11-20T04:01:00Z",
}


class LiveTicketSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Open a WebSocket here; the ticket is in it.")
    ticket = serializers.CharField(help_text="Works once.")
    expires_at = serializers.DateTimeField()


def live_ticket(request: Request, feed: str) -> dict[str, Any]:
    """A ticket for `feed`, bound to the caller and to the sign-in that asks."""
    now = clock.now()
    person: Any = request.user
    sign_in: Any = request.auth
    ticket = tickets.issue(Admission(person.pk, sign_in.pk, feed), now)
    # "http" becomes "ws" and "https" becomes "wss".
    address = request.build_absolute_uri(LIVE_PATH).replace("http", "ws", 1)
    return {
        "url": f"{address}?{urlencode({'ticket': ticket})}",
        "ticket": ticket,
        "expires_at": now + LIFETIME,
    }
