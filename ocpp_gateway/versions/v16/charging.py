"""Smart charging in the words of OCPP 1.6: charging profiles and composite schedules."""

from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from chargepoints.domain.charging_profiles import tenths
from ocpp_gateway.versions.timestamps import read_timestamp
from ocpp_gateway.versions.v16 import parameters as read
from ocpp_gateway.versions.v16.parameters import Field, Wrong

Payload = dict[str, Any]
# Fields of chargingSchedule; the others are of the profile itself.
_SCHEDULE: Final = ("duration", "startSchedule", "chargingRateUnit", "chargingSchedulePeriod")
PURPOSES: Final = {
    "station_max": "ChargePointMaxProfile",
    "default": "TxDefaultProfile",
    "transaction": "TxProfile",
}


def rate(value: Any) -> float:
    """Read a limit; 1.6 allows one decimal (case 78), so it becomes the float nearest to that."""
    found = tenths(value)
    if found is None:
        raise Wrong("invalid", _("Give a limit with at most one decimal."))
    return found / 10


def periods(value: Any) -> list[Payload]:
    if not isinstance(value, list) or not value:
        raise Wrong("invalid", _("Give a list of objects."))
    return [_period(read.json_object(item)) for item in value]


def _period(item: Payload) -> Payload:
    unknown = set(item) - {"start", "limit", "phases"}
    if unknown:
        raise Wrong("unknown", _("A period has start, limit and phases."))
    period: Payload = {
        "startPeriod": read.integer(item.get("start", 0)),
        "limit": rate(item.get("limit")),
    }
    if item.get("phases") is not None:
        period["numberPhases"] = phases(item["phases"])
    return period


def phases(value: Any) -> int:
    return read.number(value, 1, 3)


def evse(value: Any) -> int:
    # The highest number that a row can hold is the highest that 1.6 has.
    return read.connector_or_station(value)


def profile_of_start(value: Any) -> Payload:
    """Read the profile of a remote start, in 1.6's own form: a TxProfile (1.6 §5.11)."""
    profile = read.json_object(value)
    is_of_a_transaction = profile.get("chargingProfilePurpose") == PURPOSES["transaction"]
    if not is_of_a_transaction or "transactionId" in profile:
        raise Wrong("invalid", _("Give a TxProfile without a transaction: it has not begun yet."))
    return profile


PROFILE_FIELDS: Final = {
    "connector_id": Field("connectorId", evse),
    "profile_id": Field("chargingProfileId", read.identifier),
    "purpose": Field("chargingProfilePurpose", read.choice(**PURPOSES)),
    "stack_level": Field("stackLevel", read.integer),
    "kind": Field(
        "chargingProfileKind",
        read.choice(absolute="Absolute", recurring="Recurring", relative="Relative"),
    ),
    "recurrence": Field("recurrencyKind", read.choice(daily="Daily", weekly="Weekly")),
    "transaction_id": Field("transactionId", read.identifier),
    "valid_from": Field("validFrom", read.moment),
    "valid_to": Field("validTo", read.moment),
    "starts_at": Field("startSchedule", read.moment),
    "duration": Field("duration", read.identifier),
    "unit": Field("chargingRateUnit", read.choice(a="A", w="W")),
    "limit": Field("limit", rate),
    "phases": Field("numberPhases", phases),
    "periods": Field("chargingSchedulePeriod", periods),
}


def shape_profile(flat: Payload) -> Payload:
    """Nest flat fields as SetChargingProfile wants them; one limit is one period."""
    profile = dict(flat)
    request: Payload = {"connectorId": profile.pop("connectorId")}
    schedule = {name: profile.pop(name) for name in _SCHEDULE if name in profile}
    single = {name: profile.pop(name) for name in ("limit", "numberPhases") if name in profile}
    if single and "chargingSchedulePeriod" not in schedule:
        schedule["chargingSchedulePeriod"] = [{"startPeriod": 0, **single}]
    request["csChargingProfiles"] = {**profile, "chargingSchedule": schedule}
    return request


def composite_schedule(_request: Payload, response: Payload, at: datetime) -> dict[str, Any]:
    """Read the schedule that a charger reports; nothing if it reports none that can be read."""
    schedule = response.get("chargingSchedule")
    if not isinstance(schedule, dict):
        return {}
    found = [
        (period["startPeriod"], tenths(period["limit"]))
        for period in schedule["chargingSchedulePeriod"]
    ]
    start = response.get("scheduleStart")
    return {
        "starts_at": read_timestamp(start, at)[0] if start else None,
        "duration": schedule.get("duration"),
        "unit": schedule["chargingRateUnit"],
        "periods": sorted((start, limit) for start, limit in found if limit is not None),
    }
