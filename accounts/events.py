"""What happens to accounts, as facts that others may react to."""

from dataclasses import dataclass
from uuid import UUID

from csms.common.events import Event


@dataclass(frozen=True, slots=True)
class AccountMessageQueued(Event):
    message_id: UUID


@dataclass(frozen=True, slots=True)
class DataExportRequested(Event):
    export_id: UUID
