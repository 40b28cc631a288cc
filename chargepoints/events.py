"""What other apps may react to. The ids only: the row is the truth."""

from dataclasses import dataclass
from uuid import UUID

from csms.common.events import Event


@dataclass(frozen=True, slots=True)
class CommandRequested(Event):
    station_id: int


@dataclass(frozen=True, slots=True)
class CommandSettled(Event):
    """The command needs no more waiting: answered, failed, timed out, expired or cancelled."""

    command_id: UUID


@dataclass(frozen=True, slots=True)
class StationConnected(Event):
    station_id: int


@dataclass(frozen=True, slots=True)
class StationDisconnected(Event):
    station_id: int


@dataclass(frozen=True, slots=True)
class StationArchived(Event):
    station_id: int


@dataclass(frozen=True, slots=True)
class CertificateRevoked(Event):
    """A certificate of the station lets nobody in any more; a socket may be open with it."""

    station_id: int


@dataclass(frozen=True, slots=True)
class CredentialsChanged(Event):
    """A person changed with what the station signs in; a socket may be open with the old."""

    station_id: int


@dataclass(frozen=True, slots=True)
class ConnectorStatusChanged(Event):
    station_id: int
    connector_id: int


@dataclass(frozen=True, slots=True)
class AlertRaised(Event):
    """An alert opened; not published again while it counts up."""

    alert_id: int
