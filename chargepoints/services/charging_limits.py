"""Smart charging: what limits a charger was given, and whether it does what they amount to."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from chargepoints.domain import charging_profiles as domain
from chargepoints.domain.charging_profiles import Kind, Period, Profile, Purpose
from chargepoints.domain.moments import read_moment
from chargepoints.domain.numbers import evse_number, whole
from chargepoints.domain.states import CommandStatus, ProfileState
from chargepoints.locks import lock_charging_profiles, lock_station
from chargepoints.models import ChargingProfile, Command, CompositeSchedule
from chargepoints.services import anomalies, commands, configuration
from chargepoints.services.effects import Effects, Outcome
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import FieldError, InvalidInput

ACTOR = SystemActor("smart_charging")
DAY = 86_400
CYCLES = {"daily": DAY, "weekly": 7 * DAY}
_HELD = Q(state__in=[ProfileState.REQUESTED.value, ProfileState.ACTIVE.value])


# --- set_charging_limit -------------------------------------------------------------------------


def _request(command: Command) -> None:
    """Keep the profile that the charger is to be given, under the station's next number."""
    now = clock.now().replace(microsecond=0)
    lock_station(command.station_id)
    profile = _profile(command, now)
    _check_abilities(command.station_id, profile)
    highest = ChargingProfile.objects.filter(station_id=command.station_id).aggregate(
        highest=Max("profile_id")
    )["highest"]
    profile.profile_id = (highest or 0) + 1
    profile.save(force_insert=True)


def _profile(command: Command, now: datetime) -> ChargingProfile:
    given = command.parameters
    purpose = Purpose(_word(given, "purpose", list(Purpose)) or Purpose.DEFAULT)
    starts_at = read_moment(given.get("starts_at"))
    profile = ChargingProfile(
        station_id=command.station_id,
        evse_id=max(0, evse_number(given)),
        purpose=purpose.value,
        stack_level=max(0, whole(given.get("stack_level", 0))),
        kind=_kind(given, starts_at, purpose).value,
        unit=(_word(given, "unit", ("a", "w")) or "a").upper(),
        periods=_periods(given),
        starts_at=starts_at or now,
        duration=max(0, whole(given.get("duration", 0))) or None,
        valid_from=read_moment(given.get("valid_from")),
        valid_to=read_moment(given.get("valid_to")),
        transaction_id=max(0, whole(given.get("transaction_id", 0))),
        command=command,
        created_at=now,
    )
    if profile.kind == Kind.RECURRING:
        profile.cycle = CYCLES[_word(given, "recurrence", CYCLES) or "daily"]
    _check_place(profile, purpose)
    return profile


def _kind(given: dict[str, Any], starts_at: datetime | None, purpose: Purpose) -> Kind:
    if word := _word(given, "kind", list(Kind)):
        kind = Kind(word)
    elif starts_at is not None or purpose is Purpose.STATION_MAX:
        kind = Kind.ABSOLUTE
    else:
        kind = Kind.RELATIVE
    if kind is Kind.RELATIVE and purpose is Purpose.STATION_MAX:
        raise _invalid("kind", _("The station's maximum is relative to nothing."))
    return kind


def _word(given: dict[str, Any], name: str, allowed: Collection[str]) -> str:
    word = str(given.get(name) or "").lower()
    if word and word not in allowed:
        raise _invalid(name, _("Give one of: %(words)s.") % {"words": ", ".join(allowed)})
    return word


def _periods(given: dict[str, Any]) -> list[dict[str, Any]]:
    raw = given.get("periods")
    if raw is None:
        raw = [{"start": 0, "limit": given.get("limit"), "phases": given.get("phases")}]
    elif "limit" in given or "phases" in given:
        raise _invalid("limit", _("Give either one limit or several periods."))
    found = []
    for item in raw:
        start, limit = whole(item.get("start", 0)), domain.tenths(item.get("limit"))
        if limit is None:
            raise _invalid("limit", _("Give a limit with at most one decimal."))
        period: dict[str, Any] = {"start": start, "limit": limit}
        if item.get("phases") is not None:
            period["phases"] = whole(item["phases"])
        found.append(period)
    starts = [period["start"] for period in found]
    if not starts or starts[0] != 0 or starts != sorted(set(starts)):
        raise _invalid("periods", _("Periods begin at 0 and each one later than the one before."))
    return found


def _check_place(profile: ChargingProfile, purpose: Purpose) -> None:
    if purpose is Purpose.STATION_MAX and profile.evse_id:
        raise _invalid("connector_id", _("The station's maximum is of no single connector."))
    if purpose is Purpose.TRANSACTION and not (profile.evse_id and profile.transaction_id):
        raise _invalid("transaction_id", _("Name the connector and the session."))
    if profile.valid_to is not None and profile.valid_to <= (
        profile.valid_from or profile.created_at
    ):
        raise _invalid("valid_to", _("It would never be valid."))


def _check_abilities(station_id: int, profile: ChargingProfile) -> None:
    """Refuse what the charger has said that it cannot do (case 78)."""
    highest = configuration.whole_number_of(station_id, "ChargeProfileMaxStackLevel")
    if highest is not None and profile.stack_level > highest:
        raise _invalid("stack_level", _("The charger knows levels up to %d.") % highest)
    most = configuration.whole_number_of(station_id, "ChargingScheduleMaxPeriods")
    if most is not None and len(profile.periods) > most:
        raise _invalid("periods", _("The charger takes at most %d periods.") % most)


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(field, "invalid", detail)])


def _complete(command: Command) -> dict[str, Any]:
    profile = ChargingProfile.objects.get(command=command)
    parameters = {
        "connector_id": profile.evse_id,
        "profile_id": profile.profile_id,
        "purpose": profile.purpose,
        "stack_level": profile.stack_level,
        "kind": profile.kind,
        "unit": profile.unit,
        "periods": [{**period, "limit": str(period["limit"] / 10)} for period in profile.periods],
        "duration": profile.duration,
        "transaction_id": profile.transaction_id or None,
        "recurrence": next((n for n, cycle in CYCLES.items() if cycle == profile.cycle), None),
        "valid_from": profile.valid_from.isoformat() if profile.valid_from else None,
        "valid_to": profile.valid_to.isoformat() if profile.valid_to else None,
    }
    if profile.kind != Kind.RELATIVE:
        parameters["starts_at"] = profile.starts_at.isoformat()
    return parameters


_STATE_OF_ANSWER = {
    CommandStatus.ACCEPTED: ProfileState.ACTIVE,
    CommandStatus.REJECTED: ProfileState.REJECTED,
    CommandStatus.FAILED: ProfileState.FAILED,
    CommandStatus.EXPIRED: ProfileState.FAILED,
    CommandStatus.CANCELLED: ProfileState.FAILED,
    # TIMED_OUT is not here: the charger may have it.
}


def _end(command: Command, _outcome: Outcome) -> None:
    state = _STATE_OF_ANSWER.get(CommandStatus(command.status))
    profiles = lock_charging_profiles(command.station_id, _HELD)
    profile = next((p for p in profiles if p.command_id == command.pk), None)
    if state is None or profile is None:
        return
    if state is not ProfileState.ACTIVE:
        _move([profile], state)
        return
    _move([p for p in profiles if _is_replaced(p, profile)], ProfileState.REPLACED)
    _move([profile], state)
    # Whether the charger does what it has accepted is asked at once (case 78).
    commands.request(
        command.station,
        "get_composite_schedule",
        {"connector_id": profile.evse_id, "duration": DAY, "unit": profile.unit},
        actor=ACTOR,
        reason=f"Follows {command.pk}",
    )


def _is_replaced(old: ChargingProfile, new: ChargingProfile) -> bool:
    """The charger keeps one profile of a purpose and level for each place (1.6 §3.13.2)."""
    names = ("evse_id", "purpose", "stack_level", "transaction_id")
    return old.profile_id < new.profile_id and all(
        getattr(old, name) == getattr(new, name) for name in names
    )


def _move(profiles: list[ChargingProfile], state: ProfileState) -> None:
    ended_at = None if state is ProfileState.ACTIVE else clock.now()
    ChargingProfile.objects.filter(pk__in=[p.pk for p in profiles]).update(
        state=state.value, ended_at=ended_at
    )


# --- clear_charging_limit -----------------------------------------------------------------------


def _end_clearing(command: Command, _outcome: Outcome) -> None:
    """Accepted: they are gone. Rejected: the charger knows none that match (1.6 §5.5)."""
    if command.status not in (CommandStatus.ACCEPTED, CommandStatus.REJECTED):
        return
    given = command.parameters
    wanted = _HELD
    if given.get("profile_id") is not None:
        wanted &= Q(profile_id=whole(given["profile_id"]))
    else:
        if given.get("evse_id") is not None or given.get("connector_id") is not None:
            wanted &= Q(evse_id=evse_number(given))
        if given.get("purpose") is not None:
            wanted &= Q(purpose=str(given["purpose"]).lower())
        if given.get("stack_level") is not None:
            wanted &= Q(stack_level=whole(given["stack_level"]))
    _move(lock_charging_profiles(command.station_id, wanted), ProfileState.CLEARED)


# --- get_composite_schedule ---------------------------------------------------------------------


def _end_composite(command: Command, outcome: Outcome) -> None:
    """Keep what the charger says it will do, and count it if that is not what it was told."""
    if command.status != CommandStatus.ACCEPTED or not outcome.get("periods"):
        return
    received_at = command.answered_at or clock.now()
    evse_id = max(0, evse_number(command.parameters))
    starts_at = outcome.get("starts_at") or received_at
    duration = outcome.get("duration") or max(1, whole(command.parameters.get("duration", DAY)))
    unit = str(outcome["unit"])
    reported = [Period(start, limit) for start, limit in outcome["periods"]]
    profiles = _profiles(command.station_id, evse_id, starts_at, duration)
    expected = None
    difference = None
    if domain.is_comparable(profiles, unit):
        expected = domain.composite(profiles, evse_id, starts_at, duration)
        difference = domain.first_difference(expected, reported, duration)
    CompositeSchedule.objects.create(
        station_id=command.station_id,
        command=command,
        evse_id=evse_id,
        starts_at=starts_at,
        duration=duration,
        unit=unit,
        reported=reported,
        expected=expected,
        is_as_expected=None if expected is None else difference is None,
        received_at=received_at,
    )
    if difference is not None:
        at, limit, other = difference
        detail = f"EVSE {evse_id} after {at} s: {limit / 10} {unit} expected, "
        detail += "no limit reported" if other is None else f"{other / 10} reported"
        anomalies.record(command.station_id, "composite_schedule_differs", detail, received_at)


def _profiles(station_id: int, evse_id: int, start: datetime, duration: int) -> list[Profile]:
    """What should be in force there; a profile of a transaction may have ended with it."""
    end = start + timedelta(seconds=duration)
    rows = ChargingProfile.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=start),
        Q(valid_from__isnull=True) | Q(valid_from__lt=end),
        station_id=station_id,
        evse_id__in={0, evse_id},
        state=ProfileState.ACTIVE,
    )
    return [
        Profile(
            purpose=Purpose(row.purpose),
            stack_level=row.stack_level,
            kind=Kind(row.kind),
            evse_id=row.evse_id,
            unit=row.unit,
            periods=tuple(Period(p["start"], p["limit"]) for p in row.periods),
            starts_at=row.starts_at,
            duration=row.duration,
            cycle=row.cycle,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in rows
    ]


SET = Effects(requested=_request, completed=_complete, ended=_end)
CLEAR = Effects(ended=_end_clearing)
COMPOSITE = Effects(ended=_end_composite)
