"""Sites, stations, connectors and commands in the console."""

from chargepoints.admin import (
    alerts,
    charging,
    connectors,
    device,
    history,
    maintenance,
    quirks,
    security,
    sites,
    stations,
)

__all__ = [
    "alerts",
    "charging",
    "connectors",
    "device",
    "history",
    "maintenance",
    "quirks",
    "security",
    "sites",
    "stations",
]
