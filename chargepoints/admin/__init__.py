"""Sites, stations, connectors and commands in the console."""

from chargepoints.admin import connectors, device, history, sites, stations

__all__ = ["connectors", "device", "history", "sites", "stations"]
