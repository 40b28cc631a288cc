"""Frames of the message archive in pages of apps that do not know the gateway."""

from datetime import datetime
from typing import Any

from django import template

from ocpp_gateway.selectors import messages_around

register = template.Library()


@register.inclusion_tag("console/frames.html")
def frames_around(station_id: int, at: datetime) -> dict[str, Any]:
    """The frames that went over the station's socket around `at`, oldest first."""
    return {"frames": messages_around(station_id, at)}
