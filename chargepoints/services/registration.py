"""What a station says of itself when it boots, and what it is told."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from chargepoints.domain.reports import BootReport
from chargepoints.domain.states import RegistrationStatus
from chargepoints.domain.text import fit
from chargepoints.locks import lock_station
from chargepoints.services import configuration
from chargepoints.services.anomalies import Anomaly, record_many
from csms.common.rows import update

_REPORTED_FIELDS = (
    "vendor",
    "model",
    "serial_number",
    "firmware_version",
    "iccid",
    "imsi",
    "meter_type",
    "meter_serial_number",
)
# The length of each of these columns.
REPORTED_LENGTH = 255
# A different device under the same identity: it was swapped, or somebody cloned it.
_IDENTIFYING_FIELDS = ("vendor", "model", "serial_number")


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """`interval_seconds`: between heartbeats, or until the next boot if it is not accepted."""

    status: RegistrationStatus
    interval_seconds: int
    at: datetime


@transaction.atomic(savepoint=False)
def register_boot(station_id: int, report: BootReport) -> BootAnswer:
    """Store what the station reports; an empty value leaves what is known."""
    station = lock_station(station_id)
    at = report.received_at
    anomalies = [Anomaly(station_id, kind, "", at) for kind in report.anomalies]
    changes: list[str] = []
    cut: list[str] = []
    for name in _REPORTED_FIELDS:
        raw = getattr(report, name)
        value = fit(raw, REPORTED_LENGTH)
        if value != raw:
            cut.append(name)
        known = getattr(station, name)
        if not value or value == known:
            continue
        if known and name in _IDENTIFYING_FIELDS:
            changes.append(f"{name}: {known} → {value}")
        setattr(station, name, value)
    if changes:
        anomalies.append(Anomaly(station_id, "identity_changed", "; ".join(changes), at))
    if cut:
        anomalies.append(Anomaly(station_id, "string_cut", ", ".join(cut), at))
    station.booted_at = at
    station.last_seen_at = max(filter(None, (station.last_seen_at, at)))
    update(station, (*_REPORTED_FIELDS, "booted_at", "last_seen_at", "updated_at"))
    record_many(anomalies)
    configuration.restarted(station_id)
    return BootAnswer(
        status=RegistrationStatus(station.registration_status),
        interval_seconds=settings.OCPP_HEARTBEAT_INTERVAL_SECONDS,
        at=at,
    )
