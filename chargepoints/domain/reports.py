"""What a charger reports about itself, independent of its OCPP version."""

from dataclasses import dataclass, field
from datetime import datetime

from chargepoints.domain.maintenance import JobKind
from chargepoints.domain.states import ConnectorStatus


@dataclass(frozen=True, slots=True)
class BootReport:
    """BootNotification. Strings are the charger's own and may hold anything."""

    received_at: datetime
    vendor: str
    model: str
    serial_number: str = ""
    firmware_version: str = ""
    iccid: str = ""
    imsi: str = ""
    meter_type: str = ""
    meter_serial_number: str = ""
    reason: str = ""
    anomalies: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StatusReport:
    """StatusNotification of one connector, or of the whole station (`evse_id` 0).

    `reported_at` is the charger's own timestamp, None if it sent none. `error_code` and
    `vendor_error_code` are kept raw.
    """

    received_at: datetime
    evse_id: int
    connector_id: int
    status: ConnectorStatus
    reported_at: datetime | None = None
    error_code: str = ""
    info: str = ""
    vendor_id: str = ""
    vendor_error_code: str = ""


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """How a firmware update or an upload of logs goes on; `status` is the charger's own word."""

    received_at: datetime
    kind: JobKind
    status: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class SecurityReport:
    """SecurityEventNotification; `occurred_at` is the charger's own time, None if of no use."""

    received_at: datetime
    type: str
    occurred_at: datetime | None = None
    tech_info: str = ""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """SignCertificate: the charger wants a certificate; `csr` is PEM, or anything."""

    received_at: datetime
    csr: str
