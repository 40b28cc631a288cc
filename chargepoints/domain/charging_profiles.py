"""Limits of power or current over time, and what several of them make together.

Limits are whole tenths of an ampere or watt: OCPP 1.6 knows no finer step, and no float is exact.
Times within a schedule are seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

HIGHEST_TENTHS = 1_000_000_000
# Chargers count from their own clock: a step that is this much early or late is no difference.
TOLERANCE_SECONDS = 5


class Purpose(StrEnum):
    STATION_MAX = "station_max"
    DEFAULT = "default"
    TRANSACTION = "transaction"


class Kind(StrEnum):
    ABSOLUTE = "absolute"
    RECURRING = "recurring"
    RELATIVE = "relative"


class Period(NamedTuple):
    """From `start` seconds on; `limit` None: nothing limits it."""

    start: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Profile:
    """`cycle`: seconds after which a recurring schedule begins again. `evse_id` 0: the station."""

    purpose: Purpose
    stack_level: int
    kind: Kind
    evse_id: int
    unit: str
    periods: tuple[Period, ...]
    starts_at: datetime
    duration: int | None = None
    cycle: int = 0
    valid_from: datetime | None = None
    valid_to: datetime | None = None


def tenths(value: Any) -> int | None:
    """A limit as tenths; None if it is no number from 0 on, or finer than a tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        scaled = Decimal(str(value)) * 10
    except InvalidOperation:
        return None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        return None
    return int(scaled) if 0 <= scaled <= HIGHEST_TENTHS else None


def is_comparable(profiles: Iterable[Profile], unit: str) -> bool:
    """Whether the composite schedule can be known here.

    A schedule relative to a car's arrival is known only if it never changes, and amperes become
    watts by the voltage and phases of which only the charger knows.
    """
    return all(
        profile.unit == unit and (profile.kind is not Kind.RELATIVE or len(profile.periods) == 1)
        for profile in profiles
    )


def composite(
    profiles: Sequence[Profile], evse_id: int, start: datetime, duration: int
) -> list[Period]:
    """What the profiles together allow on an EVSE (0: the station) from `start` on.

    Of each purpose the highest stack level counts; a transaction's profile goes before the
    default one, one of the EVSE before one of the station; the station's maximum caps them (1.6
    §3.13).
    """
    moments = sorted({0, *_steps(profiles, start, duration)})
    found: list[Period] = []
    for offset in moments:
        limit = _limit_at(profiles, evse_id, start + timedelta(seconds=offset))
        if not found or found[-1].limit != limit:
            found.append(Period(offset, limit))
    return found


def _limit_at(profiles: Sequence[Profile], evse_id: int, at: datetime) -> int | None:
    limits = [_of_purpose(profiles, Purpose.STATION_MAX, 0, at)]
    if evse_id:
        own = None
        for purpose in (Purpose.TRANSACTION, Purpose.DEFAULT):
            for place in (evse_id, 0):
                if own is None:
                    own = _of_purpose(profiles, purpose, place, at)
        limits.append(own)
    return min((limit for limit in limits if limit is not None), default=None)


def _of_purpose(
    profiles: Sequence[Profile], purpose: Purpose, place: int, at: datetime
) -> int | None:
    best: tuple[int, int] | None = None
    for profile in profiles:
        if profile.purpose is purpose and profile.evse_id == place:
            limit = _limit_of(profile, at)
            if limit is not None and (best is None or profile.stack_level > best[0]):
                best = (profile.stack_level, limit)
    return None if best is None else best[1]


def _limit_of(profile: Profile, at: datetime) -> int | None:
    if profile.valid_from is not None and at < profile.valid_from:
        return None
    if profile.valid_to is not None and at >= profile.valid_to:
        return None
    if profile.kind is Kind.RELATIVE:
        return profile.periods[0].limit
    elapsed = int((at - profile.starts_at).total_seconds())
    if elapsed < 0:
        return None
    if profile.cycle:
        elapsed %= profile.cycle
    if profile.duration is not None and elapsed >= profile.duration:
        return None
    return _at(profile.periods, elapsed)


def _at(periods: Sequence[Period], elapsed: int) -> int | None:
    limit = None
    for period in periods:
        if period.start <= elapsed:
            limit = period.limit
    return limit


def _steps(profiles: Sequence[Profile], start: datetime, duration: int) -> Iterable[int]:
    """Seconds after `start` at which any limit may change."""
    for profile in profiles:
        edges = [moment for moment in (profile.valid_from, profile.valid_to) if moment]
        yield from _within((int((edge - start).total_seconds()) for edge in edges), duration)
        inner = [period.start for period in profile.periods]
        if profile.duration is not None:
            inner.append(profile.duration)
        base = int((profile.starts_at - start).total_seconds())
        first = base
        if profile.cycle and base < 0:
            first = base + (-base // profile.cycle) * profile.cycle
        rounds = range(first, duration, profile.cycle) if profile.cycle else (first,)
        for begin in rounds:
            yield from _within((begin + offset for offset in inner), duration)


def _within(offsets: Iterable[int], duration: int) -> Iterable[int]:
    return (offset for offset in offsets if 0 < offset < duration)


def first_difference(
    expected: Sequence[Period], reported: Sequence[Period], duration: int
) -> tuple[int, int, int | None] | None:
    """Where two schedules part: seconds, expected and reported limit; None where they agree.

    What nothing of ours limits the charger limits by itself, so there every answer is right.
    """
    edges = sorted({0, duration, *(p.start for p in expected), *(p.start for p in reported)})
    for begin, end in pairwise(edges):
        if end - begin <= TOLERANCE_SECONDS or begin >= duration:
            continue
        limit, other = _at(expected, begin), _at(reported, begin)
        if limit is not None and limit != other:
            return begin, limit, other
    return None
