"""Fields of a charger's payload, whatever stands in them."""

from datetime import datetime
from typing import Any, Final

from ocpp_gateway.protocol.connection import IncomingCall
from ocpp_gateway.protocol.validation import Anomaly
from ocpp_gateway.versions import timestamps

Payload = dict[str, Any]
_MAX_BIGINT: Final = 2**63 - 1


def text(payload: Payload, name: str, limit: int = 255) -> str:
    value = payload.get(name)
    return value[:limit] if isinstance(value, str) else ""


def integer(payload: Payload, name: str) -> int | None:
    """Return an integer that the database can hold, None if there is none."""
    value = payload.get(name)
    return value if isinstance(value, int) and abs(value) <= _MAX_BIGINT else None


def time(payload: Payload, call: IncomingCall) -> tuple[datetime, str, tuple[Anomaly, ...]]:
    """Return the timestamp, the kind of its fault and the anomalies of the call with it."""
    raw = payload.get("timestamp")
    moment, fault = timestamps.read_timestamp(raw, call.received_at)
    if not fault:
        return moment, fault, call.anomalies
    return moment, fault, (*call.anomalies, Anomaly(fault, f"timestamp: {raw!r}"[:255]))
