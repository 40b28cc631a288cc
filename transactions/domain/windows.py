"""Time-of-use windows: which price per kWh applies when, in local time.

A window recurs on its weekdays (ISO: 1 Monday … 7 Sunday). One that ends at or before its start
runs past midnight (the same time: 24 hours) and belongs to the day on which it starts: weekday
and holiday are asked of that day. Of several windows the one with the lowest `priority` counts,
then the one listed first; outside of all windows the tariff's own price counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise


class HolidayRule(StrEnum):
    ANY = "ANY"
    NEVER = "NEVER"
    ONLY = "ONLY"


@dataclass(frozen=True, slots=True)
class Window:
    """One recurring time with its price per kWh, VAT included."""

    name: str
    weekdays: frozenset[int]
    starts_at: time
    ends_at: time
    price_per_kwh: Decimal
    holidays: HolidayRule = HolidayRule.ANY
    priority: int = 0

    def applies_on(self, day: date, holidays: frozenset[date]) -> bool:
        if day.isoweekday() not in self.weekdays:
            return False
        if self.holidays is HolidayRule.ANY:
            return True
        return (day in holidays) is (self.holidays is HolidayRule.ONLY)

    def on(self, day: date, timezone: tzinfo) -> tuple[datetime, datetime]:
        """From and until, in UTC, of the occurrence that starts on `day`."""
        last_day = day if self.ends_at > self.starts_at else day + timedelta(days=1)
        return (
            datetime.combine(day, self.starts_at, timezone).astimezone(UTC),
            datetime.combine(last_day, self.ends_at, timezone).astimezone(UTC),
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A continuous time in which one name and one price per kWh apply."""

    starts_at: datetime
    ends_at: datetime
    name: str
    price_per_kwh: Decimal


@dataclass(frozen=True, slots=True)
class _Occurrence:
    starts_at: datetime
    ends_at: datetime
    window: Window


def _occurrences(
    windows: Iterable[Window],
    holidays: frozenset[date],
    starts_at: datetime,
    ends_at: datetime,
    timezone: tzinfo,
) -> Iterator[_Occurrence]:
    day = starts_at.astimezone(timezone).date() - timedelta(days=1)
    last = ends_at.astimezone(timezone).date()
    while day <= last:
        for window in windows:
            if window.applies_on(day, holidays):
                begin, end = window.on(day, timezone)
                if begin <= ends_at and end > starts_at:
                    yield _Occurrence(begin, end, window)
        day += timedelta(days=1)


def stretches(
    windows: Iterable[Window],
    holidays: frozenset[date],
    base_price: Decimal,
    starts_at: datetime,
    ends_at: datetime,
    timezone: tzinfo,
) -> list[Stretch]:
    """The prices from `starts_at` to `ends_at` in order, without gaps; at least one.

    Neighbours of the same name and price are one stretch, so that a night that spans two windows
    called the same stays one line on the bill.
    """
    ranked = sorted(windows, key=lambda window: window.priority)
    occurrences = list(_occurrences(ranked, holidays, starts_at, ends_at, timezone))
    bounds = {starts_at, ends_at}
    for occurrence in occurrences:
        bounds.update(
            bound
            for bound in (occurrence.starts_at, occurrence.ends_at)
            if starts_at < bound < ends_at
        )
    ordered = sorted(bounds)
    found: list[Stretch] = []
    for begin, end in pairwise(ordered) if len(ordered) > 1 else [(starts_at, ends_at)]:
        covering = [o.window for o in occurrences if o.starts_at <= begin < o.ends_at]
        window = min(covering, key=lambda w: w.priority, default=None)
        name = window.name if window else ""
        price = window.price_per_kwh if window else base_price
        if found and (found[-1].name, found[-1].price_per_kwh) == (name, price):
            found[-1] = Stretch(found[-1].starts_at, end, name, price)
        else:
            found.append(Stretch(begin, end, name, price))
    return found
