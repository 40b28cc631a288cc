"""What a station says of itself when it boots, and what it is told."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from chargepoints.domain.intervals import spread
from chargepoints.domain.quirks import Device, Quirks, best_match
from chargepoints.domain.reports import BootReport
from chargepoints.domain.states import RegistrationStatus
from chargepoints.domain.text import fit
from chargepoints.locks import lock_booting_station
from chargepoints.models import QuirkProfile, Station
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
_BOOT_FIELDS = ("matched_profile", "booted_at", "last_seen_at", "updated_at")
# The length of each of these columns.
REPORTED_LENGTH = 255
# A different device under the same identity: it was swapped, or somebody cloned it.
_IDENTIFYING_FIELDS = ("vendor", "model", "serial_number")


@dataclass(frozen=True, slots=True)
class BootAnswer:
    """`interval_seconds`: between heartbeats, or until the next boot if it is not accepted.

    A little different from station to station.
    `quirks`: of the profile that the charger has from now on, None if it has none.
    """

    status: RegistrationStatus
    interval_seconds: int
    at: datetime
    quirks: Quirks | None = None


@transaction.atomic(savepoint=False)
def register_boot(station_id: int, report: BootReport) -> BootAnswer:
    """Store what the station reports; an empty value leaves what is known."""
    station, profiles = lock_booting_station(station_id)
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
    quirks = _choose_profile(station, profiles)
    station.booted_at = at
    station.last_seen_at = max(filter(None, (station.last_seen_at, at)))
    update(station, (*_REPORTED_FIELDS, *_BOOT_FIELDS))
    record_many(anomalies)
    configuration.restarted(station_id)
    return BootAnswer(
        status=RegistrationStatus(station.registration_status),
        interval_seconds=spread(settings.OCPP_HEARTBEAT_INTERVAL_SECONDS, station_id),
        at=at,
        quirks=quirks,
    )


def _choose_profile(station: Station, profiles: list[QuirkProfile]) -> Quirks | None:
    """Remember which profile fits; the one that the station names goes before it."""
    device = Device(station.vendor, station.model, station.firmware_version)
    station.matched_profile_id = best_match((profile.pattern for profile in profiles), device)
    wanted = station.quirk_profile_id or station.matched_profile_id
    return next((profile.quirks for profile in profiles if profile.pk == wanted), None)
