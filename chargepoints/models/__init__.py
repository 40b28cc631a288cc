"""Sites, stations, their EVSEs and connectors, and the commands sent to them."""

from chargepoints.models.commands import Command
from chargepoints.models.connectors import Connector, ConnectorStatusEvent, Evse
from chargepoints.models.sites import Site
from chargepoints.models.stations import Station, StationAnomaly

__all__ = [
    "Command",
    "Connector",
    "ConnectorStatusEvent",
    "Evse",
    "Site",
    "Station",
    "StationAnomaly",
]
