"""Sites, stations, their EVSEs and connectors, and the commands sent to them."""

from chargepoints.models.charging_profiles import ChargingProfile, CompositeSchedule
from chargepoints.models.commands import Command
from chargepoints.models.configuration import ConfigurationValue
from chargepoints.models.connectors import Connector, ConnectorStatusEvent, Evse
from chargepoints.models.local_lists import LocalList, LocalListEntry, LocalListUpdate
from chargepoints.models.maintenance import MaintenanceEvent, MaintenanceJob
from chargepoints.models.sites import Site
from chargepoints.models.stations import Station, StationAnomaly

__all__ = [
    "ChargingProfile",
    "Command",
    "CompositeSchedule",
    "ConfigurationValue",
    "Connector",
    "ConnectorStatusEvent",
    "Evse",
    "LocalList",
    "LocalListEntry",
    "LocalListUpdate",
    "MaintenanceEvent",
    "MaintenanceJob",
    "Site",
    "Station",
    "StationAnomaly",
]
