"""Connections and the message archive in the console."""

from ocpp_gateway.admin import connections, messages

__all__ = ["connections", "messages"]
