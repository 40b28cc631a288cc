"""Sites, stations, their EVSEs and connectors, and the commands sent to them."""

from chargepoints.models.alerts import Alert
from chargepoints.models.charging_profiles import ChargingProfile, CompositeSchedule
from chargepoints.models.commands import Command
from chargepoints.models.configuration import ConfigurationValue
from chargepoints.models.connectors import Connector, ConnectorStatusEvent, Evse
from chargepoints.models.favourites import Favourite
from chargepoints.models.local_lists import LocalList, LocalListEntry, LocalListUpdate
from chargepoints.models.maintenance import MaintenanceEvent, MaintenanceJob
from chargepoints.models.quirks import QuirkProfile
from chargepoints.models.security import (
    CertificateAuthority,
    CertificateRequest,
    InstalledCertificate,
    PasswordChange,
    SecurityEvent,
)
from chargepoints.models.sites import Site
from chargepoints.models.stations import Station, StationAnomaly

__all__ = [
    "Alert",
    "CertificateAuthority",
    "CertificateRequest",
    "ChargingProfile",
    "Command",
    "CompositeSchedule",
    "ConfigurationValue",
    "Connector",
    "ConnectorStatusEvent",
    "Evse",
    "Favourite",
    "InstalledCertificate",
    "LocalList",
    "LocalListEntry",
    "LocalListUpdate",
    "MaintenanceEvent",
    "MaintenanceJob",
    "PasswordChange",
    "QuirkProfile",
    "SecurityEvent",
    "Site",
    "Station",
    "StationAnomaly",
]
