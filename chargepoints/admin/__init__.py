"""Sites, stations, connectors and commands in the console."""

from chargepoints.admin import (
    charging,
    connectors,
    device,
    history,
    maintenance,
    security,
    sites,
    stations,
)

__all__ = [
    "charging",
    "connectors",
    "device",
    "history",
    "maintenance",
    "security",
    "sites",
    "stations",
]
