"""What a charger asks or says that belongs to no other app, and what reading a message yields."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from chargepoints.domain.reports import (
    BootReport,
    ProgressReport,
    SecurityReport,
    SigningRequest,
    StatusReport,
)
from ocpp_gateway.protocol.validation import Anomaly
from transactions.domain.inputs import Readings, SessionStart, SessionStop


@dataclass(frozen=True, slots=True)
class Authorize:
    received_at: datetime
    id_token: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DataTransfer:
    """A vendor's own message; its meaning is known to the vendor only."""

    received_at: datetime
    vendor_id: str
    message_id: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class DataTransferAnswer:
    """`status`: Accepted, Rejected, UnknownMessageId or UnknownVendorId."""

    status: str = "UnknownVendorId"
    data: str = ""


NeutralInput = (
    Authorize
    | BootReport
    | DataTransfer
    | Heartbeat
    | ProgressReport
    | Readings
    | SecurityReport
    | SessionStart
    | SessionStop
    | SigningRequest
    | StatusReport
)


class Inbound(NamedTuple):
    """A message as a neutral input, and every deviation that was tolerated on the way."""

    input: NeutralInput
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to a charger in the words of its version."""

    action: str
    payload: dict[str, Any]
