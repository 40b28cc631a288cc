"""What a charger's quirk profile changes in what OCPP 1.6 says, and in what it is asked."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.utils.translation import gettext as _

from chargepoints.domain.quirks import ConnectorRule, Quirks, RegisterKind
from chargepoints.domain.reports import SecurityReport, StatusReport
from csms.common.errors import FieldError
from ocpp_gateway.protocol.connection import IncomingCall
from ocpp_gateway.protocol.validation import Anomaly
from ocpp_gateway.versions.inputs import Inbound
from transactions.domain.inputs import NOTHING, ReadingInput, Readings, SessionStart, SessionStop

Payload = dict[str, Any]
Timed = TypeVar("Timed", SessionStart, SessionStop, StatusReport, SecurityReport)
# Nobody takes the trouble to write an offset and does not mean it.
_WITH_OFFSET: Final = re.compile(r"[T ].*[+-]\d\d?(:?\d\d)?$", re.IGNORECASE)
_LONGEST_TIME: Final = 40
LOCAL_TIME: Final = "local_time_as_utc"
RIGHT_TIME: Final = "clock_is_not_local_time"
# A charger that is on time says what our clock says, give or take its own fault and the way here.
_ON_TIME: Final = timedelta(minutes=5)


# --- In -----------------------------------------------------------------------------------------


def correct(message: Inbound, call: IncomingCall, quirks: Quirks) -> Inbound:
    """Return what the charger means; what it said is in the archive, and the deviation counted."""
    found = message.input
    anomalies = message.anomalies
    if quirks.clock_zone is not None and not _writes_offset(call.payload):
        corrected, noted = _correct_times(message, quirks)
        found = corrected
        anomalies = (*anomalies, *noted)
    if isinstance(found, SessionStart):
        found = replace(found, register_kind=quirks.register_kind)
        if quirks.register_kind is RegisterKind.PER_SESSION:
            anomalies = (*anomalies, Anomaly("register_per_session", ""))
    elif isinstance(found, SessionStop) and quirks.is_available_before_stop:
        found = replace(found, is_available_first=True)
    return Inbound(found, anomalies)


def _writes_offset(payload: Payload) -> bool:
    raw = payload.get("timestamp") or _first_sample_time(payload)
    if not isinstance(raw, str) or len(raw) > _LONGEST_TIME:
        return False
    return _WITH_OFFSET.search(raw.strip()) is not None


def _first_sample_time(payload: Payload) -> Any:
    values = payload.get("meterValue")
    first = values[0] if isinstance(values, list) and values else values
    return first.get("timestamp") if isinstance(first, dict) else None


def _correct_times(message: Inbound, quirks: Quirks) -> tuple[Any, tuple[Anomaly, ...]]:
    found = message.input
    if isinstance(found, Readings):
        readings = _correct_readings(found.readings, found.received_at, quirks)
        return found._replace(readings=readings), ()
    if isinstance(found, SessionStart):
        return _correct_time(found, "started_at", quirks)
    if isinstance(found, SessionStop):
        stop, noted = _correct_time(found, "ended_at", quirks)
        readings = _correct_readings(stop.readings, stop.received_at, quirks)
        return replace(stop, readings=readings), noted
    if isinstance(found, StatusReport):
        return _correct_time(found, "reported_at", quirks)
    if isinstance(found, SecurityReport):
        return _correct_time(found, "occurred_at", quirks)
    return found, ()


def _correct_time(found: Timed, name: str, quirks: Quirks) -> tuple[Timed, tuple[Anomaly, ...]]:
    said: datetime | None = getattr(found, name)
    # Our own time stands where the charger sent none that can be read.
    if said is None or said == found.received_at:
        return found, ()
    ahead = quirks.clock_ahead(said)
    if ahead == NOTHING:
        return found, ()
    changes: dict[str, Any] = {name: said - ahead}
    if isinstance(found, SessionStart | SessionStop):
        changes["clock_ahead"] = ahead
    kind = RIGHT_TIME if abs(said - found.received_at) <= _ON_TIME else LOCAL_TIME
    return replace(found, **changes), (Anomaly(kind, f"{name}: {said.isoformat()}"),)


def _correct_readings(
    readings: tuple[ReadingInput, ...], received_at: datetime, quirks: Quirks
) -> tuple[ReadingInput, ...]:
    return tuple(
        reading
        if reading.measured_at == received_at
        else reading._replace(
            measured_at=reading.measured_at - quirks.clock_ahead(reading.measured_at)
        )
        for reading in readings
    )


# --- Out ----------------------------------------------------------------------------------------


def fit_request(
    name: str, values: Mapping[str, Any], quirks: Quirks
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the parameters of a command as this charger takes them, and what it cannot take."""
    if name == "start_charging":
        return _fit_start(dict(values), quirks)
    if name == "trigger" and quirks.needs_trigger_connector:
        return {"connector_id": 1, **values}, []
    if name == "set_configuration":
        return dict(values), _value_errors(values.get("value"), quirks)
    return dict(values), []


def _fit_start(values: Payload, quirks: Quirks) -> tuple[Payload, list[FieldError]]:
    connector = values.get("connector_id")
    if quirks.start_connector is ConnectorRule.REQUIRED and connector is None:
        detail = _("This charger has to be told the connector.")
        return values, [FieldError("connector_id", "required", detail)]
    if quirks.start_connector is ConnectorRule.REFUSED and connector is not None:
        if str(connector) != "1":
            detail = _("This charger has one connector and starts no other.")
            return values, [FieldError("connector_id", "invalid", detail)]
        del values["connector_id"]
    return values, []


def _value_errors(value: Any, quirks: Quirks) -> list[FieldError]:
    limit = quirks.longest_configuration_value
    if not isinstance(value, str) or len(value) <= limit:
        return []
    detail = _("This charger takes at most %(limit)d characters.") % {"limit": limit}
    return [FieldError("value", "max_length", detail)]


def is_taken(name: str, error: FieldError) -> bool:
    """Whether a charger with a profile takes what breaks the schema: `fit_request` judged it."""
    return (name, error.field, error.code) == ("set_configuration", "value", "max_length")
