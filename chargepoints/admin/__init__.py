"""Sites, stations, connectors and commands in the console."""

from chargepoints.admin import connectors, history, sites, stations

__all__ = ["connectors", "history", "sites", "stations"]
