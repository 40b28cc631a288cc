"""What a session costs: tariff and usage in, cost lines out. Nothing else is asked.

The written rule (docs/pricing.md says it for people):

1. Energy is priced per time-of-use window by the Wh delivered in it. At a window's boundary the
   energy is interpolated between the readings around it and rounded half up to whole Wh, so that
   the parts add up to the session's energy. A continuous stretch of one window and price is one
   line. Tariffs "by start" price all energy with the window in which the session starts.
2. The price per minute counts the completed minutes from start to end of the session; what is
   left of a minute is free.
3. The price per session counts once, also if no energy flowed.
4. The idle fee counts the completed minutes from the end of the energy flow plus the grace time
   until the car is unplugged or, where that is not known, the session ends. A session in which no
   energy flowed has no idle fee.
5. Amount of a line = quantity x unit price, rounded half up to 0.01, VAT included. Quantities are
   exact: kWh with three decimals, whole minutes, sessions. Lines of quantity 0 are left out,
   and so are fees whose price is 0; energy that is free is listed.
6. VAT is computed once, on the total: tax = total x rate / (100 + rate), rounded half up to 0.01;
   net = total - tax. A line's tax is the tax of the total up to and with the line, less the tax
   of the total before it: the lines add up to the document.

So splitting a session in two (tariffs "by start" apart) changes its price by no more than this:
its energy by 0.01 at a reading; between two readings also by 0.01 and the price of 1 Wh for each
line, as boundaries are interpolated anew; its minutes by the price of one minute and 0.02. A fee
per session counts for each part.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from csms.common.money import round_half_up
from transactions.domain.energy import EnergyPoint, energy_at
from transactions.domain.windows import Stretch, Window, stretches

BANGKOK = ZoneInfo("Asia/Bangkok")
MAX_AMOUNT = Decimal("9999999999.99")
MAX_QUANTITY = Decimal("9999999999")
_MINUTE = timedelta(minutes=1)


class PricingError(ValueError):
    """The usage cannot be priced: its times run backwards, or an amount does not fit."""


class LineKind(StrEnum):
    ENERGY = "ENERGY"
    TIME = "TIME"
    SESSION = "SESSION"
    IDLE = "IDLE"


@dataclass(frozen=True, slots=True)
class TariffTerms:
    """A tariff version as a value. All prices in its currency, VAT included."""

    price_per_kwh: Decimal
    price_per_minute: Decimal = Decimal(0)
    price_per_session: Decimal = Decimal(0)
    idle_price_per_minute: Decimal = Decimal(0)
    idle_grace_minutes: int = 10
    vat_percent: Decimal = Decimal(7)
    by_start: bool = False
    windows: tuple[Window, ...] = ()
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used. `series` is cumulative energy (Wh); None where a time is not known."""

    started_at: datetime
    ended_at: datetime
    series: tuple[EnergyPoint, ...]
    flow_ended_at: datetime | None = None
    unplugged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    kind: LineKind
    name: str
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal
    unit: str
    unit_price: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    lines: tuple[Line, ...]
    total_net: Decimal
    total_tax: Decimal
    total_gross: Decimal


NO_PRICE = Price((), Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class _Item:
    """A line before tax."""

    kind: LineKind
    name: str
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal
    unit: str
    unit_price: Decimal

    @property
    def gross(self) -> Decimal:
        return round_half_up(self.quantity * self.unit_price)


def included_tax(gross: Decimal, vat_percent: Decimal) -> Decimal:
    """The VAT that an amount includes (7 %: gross x 7/107), rounded half up to 0.01."""
    return round_half_up(gross * vat_percent / (100 + vat_percent))


def price_per_kwh_at(terms: TariffTerms, at: datetime, timezone: tzinfo = BANGKOK) -> Decimal:
    """What a kWh that flows at `at` costs, VAT included."""
    (now,) = stretches(terms.windows, terms.holidays, terms.price_per_kwh, at, at, timezone)
    return now.price_per_kwh


def completed_minutes(duration: timedelta) -> int:
    """Whole minutes in `duration`; 0 if it is negative."""
    return max(0, duration // _MINUTE)


def price(terms: TariffTerms, usage: Usage, timezone: tzinfo = BANGKOK) -> Price:
    """The price of `usage` under `terms`; `timezone` is where the windows' clock hangs.

    Raises `PricingError`.
    """
    if usage.ended_at < usage.started_at:
        raise PricingError("The session ends before it starts.")
    items = [
        *_energy(terms, usage, timezone),
        *_time(terms, usage),
        *_session(terms, usage),
        *_idle(terms, usage),
    ]
    return _with_tax(items, terms.vat_percent)


def _energy(terms: TariffTerms, usage: Usage, timezone: tzinfo) -> Iterable[_Item]:
    parts = stretches(
        terms.windows,
        terms.holidays,
        terms.price_per_kwh,
        usage.started_at,
        usage.started_at if terms.by_start else usage.ended_at,
        timezone,
    )
    if terms.by_start:
        first = parts[0]
        parts = [Stretch(usage.started_at, usage.ended_at, first.name, first.price_per_kwh)]
    before = 0
    for part in parts:
        is_last = part is parts[-1]
        upto = usage.series[-1].wh if is_last else energy_at(usage.series, part.ends_at)
        if upto > before:
            kwh = Decimal(upto - before) / 1000
            yield _Item(
                LineKind.ENERGY,
                part.name,
                part.starts_at,
                part.ends_at,
                kwh.quantize(Decimal("0.001")),
                "kWh",
                part.price_per_kwh,
            )
        before = upto


def _minutes(
    kind: LineKind, starts_at: datetime, ends_at: datetime, unit_price: Decimal
) -> Iterable[_Item]:
    minutes = completed_minutes(ends_at - starts_at)
    if minutes and unit_price:
        yield _Item(kind, "", starts_at, ends_at, Decimal(minutes), "min", unit_price)


def _time(terms: TariffTerms, usage: Usage) -> Iterable[_Item]:
    return _minutes(LineKind.TIME, usage.started_at, usage.ended_at, terms.price_per_minute)


def _session(terms: TariffTerms, usage: Usage) -> Iterable[_Item]:
    if terms.price_per_session:
        yield _Item(
            LineKind.SESSION,
            "",
            usage.started_at,
            usage.ended_at,
            Decimal(1),
            "session",
            terms.price_per_session,
        )


def _idle(terms: TariffTerms, usage: Usage) -> Iterable[_Item]:
    if usage.flow_ended_at is None:
        return ()
    idle_from = usage.flow_ended_at + timedelta(minutes=terms.idle_grace_minutes)
    idle_until = usage.unplugged_at or usage.ended_at
    return _minutes(LineKind.IDLE, idle_from, idle_until, terms.idle_price_per_minute)


def _with_tax(items: list[_Item], vat_percent: Decimal) -> Price:
    lines: list[Line] = []
    gross = tax = Decimal("0.00")
    for item in items:
        gross += item.gross
        if gross > MAX_AMOUNT or item.quantity > MAX_QUANTITY:
            raise PricingError("The amount is larger than any price can be.")
        tax_so_far = included_tax(gross, vat_percent)
        line_tax, tax = tax_so_far - tax, tax_so_far
        lines.append(
            Line(
                kind=item.kind,
                name=item.name,
                starts_at=item.starts_at,
                ends_at=item.ends_at,
                quantity=item.quantity,
                unit=item.unit,
                unit_price=item.unit_price,
                net=item.gross - line_tax,
                tax=line_tax,
                gross=item.gross,
            )
        )
    return Price(tuple(lines), gross - tax, tax, gross)
