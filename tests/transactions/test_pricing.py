"""The written rule of `transactions.domain.pricing`: hand-computed examples and properties."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.transactions.support import bangkok
from transactions.domain.energy import EnergyPoint, energy_at
from transactions.domain.pricing import (
    BANGKOK,
    Line,
    LineKind,
    Price,
    PricingError,
    TariffTerms,
    Usage,
    included_tax,
    price,
)
from transactions.domain.windows import HolidayRule, Window, stretches

WEEKDAYS = frozenset({1, 2, 3, 4, 5})
EVERY_DAY = frozenset(range(1, 8))
NEW_YEAR = date(2026, 1, 1)  # a Thursday
PEAK = Window("Peak", WEEKDAYS, time(9), time(22), Decimal("7.70"), HolidayRule.NEVER)
TIME_OF_USE = TariffTerms(
    price_per_kwh=Decimal("6.00"), windows=(PEAK,), holidays=frozenset({NEW_YEAR})
)
FLAT = TariffTerms(price_per_kwh=Decimal("7.50"))


def used(
    started_at: datetime, ended_at: datetime, *points: tuple[datetime, int], **fields: datetime
) -> Usage:
    """Usage with 0 Wh at the start; the last point is the session's energy."""
    series = (EnergyPoint(started_at, 0), *(EnergyPoint(at, wh) for at, wh in points))
    return Usage(started_at, ended_at, series, **fields)


def rows(computed: Price) -> list[tuple[str, str, str, str, str]]:
    return [
        (line.kind.value, line.name, str(line.quantity), str(line.unit_price), str(line.gross))
        for line in computed.lines
    ]


def totals(computed: Price) -> tuple[str, str, str]:
    return str(computed.total_net), str(computed.total_tax), str(computed.total_gross)


def test_energy_is_split_where_the_window_ends() -> None:
    """10.500 kWh from 21:00 to 22:30 on a Wednesday, readings at 21:50 (8.000) and 22:10 (9.001).

    At 22:00: 8.000 + half of 1.001 = 8.5005 → 8.501 kWh, half a Wh up. 8.501 × 7.70 = 65.4577 →
    65.46; 1.999 × 6.00 = 11.994 → 11.99. Total 77.45, VAT 77.45 × 7/107 = 5.0668 → 5.07;
    of the first line 65.46 × 7/107 = 4.2824 → 4.28, so the second has 5.07 - 4.28 = 0.79.
    """
    begin, end = bangkok(2026, 11, 18, 21), bangkok(2026, 11, 18, 22, 30)
    computed = price(
        TIME_OF_USE,
        used(
            begin,
            end,
            (bangkok(2026, 11, 18, 21, 50), 8_000),
            (bangkok(2026, 11, 18, 22, 10), 9_001),
            (end, 10_500),
        ),
    )
    assert rows(computed) == [
        ("ENERGY", "Peak", "8.501", "7.70", "65.46"),
        ("ENERGY", "", "1.999", "6.00", "11.99"),
    ]
    assert [(str(line.net), str(line.tax)) for line in computed.lines] == [
        ("61.18", "4.28"),
        ("11.20", "0.79"),
    ]
    assert totals(computed) == ("72.38", "5.07", "77.45")
    assert computed.lines[0].ends_at == computed.lines[1].starts_at == bangkok(2026, 11, 18, 22)


def test_by_start_prices_all_energy_with_the_first_window() -> None:
    by_start = TariffTerms(price_per_kwh=Decimal(6), windows=(PEAK,), by_start=True)
    end = bangkok(2026, 11, 18, 23)
    computed = price(by_start, used(bangkok(2026, 11, 18, 21, 59), end, (end, 10_500)))
    assert rows(computed) == [("ENERGY", "Peak", "10.500", "7.70", "80.85")]


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (bangkok(2026, 11, 18, 9), "Peak"),
        (bangkok(2026, 11, 18, 8, 59), ""),
        (bangkok(2026, 11, 18, 22), ""),
        (bangkok(2026, 11, 21, 12), ""),  # Saturday
        (bangkok(2026, 1, 1, 12), ""),  # a holiday
        (bangkok(2026, 1, 2, 12), "Peak"),
    ],
)
def test_peak_is_on_working_days_from_nine_to_ten(moment: datetime, name: str) -> None:
    found = stretches((PEAK,), TIME_OF_USE.holidays, Decimal(6), moment, moment, BANGKOK)
    assert [stretch.name for stretch in found] == [name]


def test_a_window_past_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    """The night of Friday reaches into Saturday; the one of New Year's Eve is no holiday's."""
    night = Window("Night", WEEKDAYS, time(22), time(9), Decimal(5), HolidayRule.NEVER)
    holiday = Window("Holiday", EVERY_DAY, time(0), time(0), Decimal(4), HolidayRule.ONLY, 1)

    def names(begin: datetime, end: datetime) -> list[tuple[str, datetime]]:
        found = stretches((holiday, night), frozenset({NEW_YEAR}), Decimal(6), begin, end, BANGKOK)
        assert found[0].starts_at == begin
        assert found[-1].ends_at == end
        return [(stretch.name, stretch.starts_at) for stretch in found]

    friday, sunday = bangkok(2026, 11, 20, 21), bangkok(2026, 11, 22, 23)
    assert names(friday, sunday) == [
        ("", friday),
        ("Night", bangkok(2026, 11, 20, 22)),
        ("", bangkok(2026, 11, 21, 9)),
    ]
    eve, second = bangkok(2025, 12, 31, 23), bangkok(2026, 1, 2, 10)
    assert names(eve, second) == [
        ("Night", eve),
        ("Holiday", bangkok(2026, 1, 1, 9)),
        ("", bangkok(2026, 1, 2, 0)),
    ]


def test_neighbours_of_one_name_and_price_are_one_line_and_returns_are_two() -> None:
    """Off-peak of a Friday night and of the weekend: one line; peak on two days: two lines."""
    off_peak = (
        Window("Off-peak", WEEKDAYS, time(22), time(0), Decimal(6)),
        Window("Off-peak", frozenset({6, 7}), time(0), time(0), Decimal(6)),
    )
    terms = TariffTerms(price_per_kwh=Decimal(6), windows=(PEAK, *off_peak))
    begin, end = bangkok(2026, 11, 20, 22), bangkok(2026, 11, 22, 23)
    assert rows(price(terms, used(begin, end, (end, 10_000)))) == [
        ("ENERGY", "Off-peak", "10.000", "6", "60.00")
    ]
    begin, end = bangkok(2026, 11, 18, 21), bangkok(2026, 11, 19, 10)
    computed = price(TIME_OF_USE, used(begin, end, (end, 13_000)))
    assert [(line.name, str(line.quantity)) for line in computed.lines] == [
        ("Peak", "1.000"),
        ("", "11.000"),
        ("Peak", "1.000"),
    ]


def test_minutes_session_fee_and_idle_fee() -> None:
    """61 min 59 s: 61 minutes. Flow ends at minute 40, grace 10: idle from 50 to 61:59: 11 min."""
    terms = TariffTerms(
        price_per_kwh=Decimal("7.5"),
        price_per_minute=Decimal("0.25"),
        price_per_session=Decimal(20),
        idle_price_per_minute=Decimal(2),
    )
    begin = bangkok(2026, 11, 18, 12)
    flow_end = begin + timedelta(minutes=40)
    end = begin + timedelta(minutes=61, seconds=59)
    usage = used(begin, end, (flow_end, 1), (end, 1), flow_ended_at=flow_end)
    assert rows(price(terms, usage)) == [
        ("ENERGY", "", "0.001", "7.5", "0.01"),
        ("TIME", "", "61", "0.25", "15.25"),
        ("SESSION", "", "1", "20", "20.00"),
        ("IDLE", "", "11", "2", "22.00"),
    ]
    unplugged = Usage(begin, end, usage.series, flow_end, begin + timedelta(minutes=90))
    assert rows(price(terms, unplugged))[-1] == ("IDLE", "", "40", "2", "80.00")
    in_time = Usage(begin, end, usage.series, flow_end, begin + timedelta(minutes=50, seconds=59))
    assert [line.kind for line in price(terms, in_time).lines][-1] is LineKind.SESSION
    without_energy = used(begin, end, (end, 0))
    assert [line.kind for line in price(terms, without_energy).lines] == ["TIME", "SESSION"]


def test_free_energy_is_listed_and_nothing_used_costs_nothing() -> None:
    free = TariffTerms(price_per_kwh=Decimal(0))
    begin, end = bangkok(2026, 11, 18, 12), bangkok(2026, 11, 18, 13)
    assert rows(price(free, used(begin, end, (end, 5_000)))) == [
        ("ENERGY", "", "5.000", "0", "0.00")
    ]
    nothing = price(FLAT, used(begin, end, (end, 0)))
    assert (nothing.lines, totals(nothing)) == ((), ("0.00", "0.00", "0.00"))


def test_times_that_run_backwards_and_amounts_that_fit_nowhere_are_refused() -> None:
    begin, end = bangkok(2026, 11, 18, 12), bangkok(2026, 11, 18, 13)
    with pytest.raises(PricingError, match="before it starts"):
        price(FLAT, used(end, begin, (end, 1)))
    with pytest.raises(PricingError, match="larger"):
        price(FLAT, used(begin, end, (end, 10**13)))


def test_tax_is_computed_once_and_the_lines_add_up_to_it() -> None:
    """Three lines of 0.10: each by itself has 0.0065 → 0.01 VAT, the document 0.0196 → 0.02."""
    begin, end = bangkok(2026, 11, 18, 12), bangkok(2026, 11, 18, 12, 1)
    terms = TariffTerms(
        price_per_kwh=Decimal("0.10"),
        price_per_minute=Decimal("0.10"),
        price_per_session=Decimal("0.10"),
    )
    computed = price(terms, used(begin, end, (end, 1_000)))
    assert [str(line.tax) for line in computed.lines] == ["0.01", "0.00", "0.01"]
    assert totals(computed) == ("0.28", "0.02", "0.30")


@pytest.mark.parametrize(
    ("gross", "base", "vat"),
    [
        ("536.00", "500.93", "35.07"),
        ("3201.00", "2991.59", "209.41"),
        ("111.00", "103.74", "7.26"),
        # The Revenue Department's e-Tax samples, which add VAT: the way back gives the same.
        ("2140.00", "2000.00", "140.00"),
        ("10698.93", "9999.00", "699.93"),
        ("64788.50", "60550.00", "4238.50"),
        ("10700.00", "10000.00", "700.00"),
    ],
)
def test_vat_of_real_documents(gross: str, base: str, vat: str) -> None:
    tax = included_tax(Decimal(gross), Decimal(7))
    assert (str(tax), str(Decimal(gross) - tax)) == (vat, base)


# --- Properties ---------------------------------------------------------------------------------

PRICES = st.decimals(0, 100, places=4)
TIMES = st.times(max_value=time(23, 59)).map(lambda t: t.replace(microsecond=0))
WINDOWS = st.builds(
    Window,
    name=st.sampled_from(["A", "B"]),
    weekdays=st.frozensets(st.integers(1, 7), min_size=1),
    starts_at=TIMES,
    ends_at=TIMES,
    price_per_kwh=PRICES,
    holidays=st.sampled_from(HolidayRule),
    priority=st.integers(0, 2),
)
TERMS = st.builds(
    TariffTerms,
    price_per_kwh=PRICES,
    price_per_minute=PRICES,
    price_per_session=PRICES,
    idle_price_per_minute=PRICES,
    idle_grace_minutes=st.integers(0, 30),
    vat_percent=st.sampled_from([Decimal(0), Decimal(7), Decimal(10), Decimal(100)]),
    by_start=st.booleans(),
    windows=st.lists(WINDOWS, max_size=4).map(tuple),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 1, 9)), max_size=3),
)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    offset = draw(st.integers(0, 96 * 3600))
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=offset)
    steps = draw(
        st.lists(
            st.tuples(st.integers(0, 6 * 3600), st.integers(0, 20_000)), min_size=1, max_size=8
        )
    )
    points = [EnergyPoint(begin, 0)]
    for seconds, energy in steps:
        last = points[-1]
        points.append(EnergyPoint(last.at + timedelta(seconds=seconds), last.wh + energy))
    flow = draw(st.sampled_from([None, *(point.at for point in points)]))
    return Usage(begin, points[-1].at, tuple(points), flow)


def energy_of(lines: tuple[Line, ...]) -> int:
    return int(sum(line.quantity for line in lines if line.kind is LineKind.ENERGY) * 1000)


@settings(deadline=None)
@given(TERMS, usages())
def test_lines_add_up_to_the_total_and_the_energy_and_are_never_negative(
    terms: TariffTerms, usage: Usage
) -> None:
    computed = price(terms, usage)
    for part, total in (
        ("net", computed.total_net),
        ("tax", computed.total_tax),
        ("gross", computed.total_gross),
    ):
        assert sum(getattr(line, part) for line in computed.lines) == total
        assert all(getattr(line, part) >= 0 for line in computed.lines)
    assert all(line.net + line.tax == line.gross for line in computed.lines)
    assert computed.total_tax == included_tax(computed.total_gross, terms.vat_percent)
    assert energy_of(computed.lines) == usage.series[-1].wh
    energy = [line for line in computed.lines if line.kind is LineKind.ENERGY]
    assert all(a.ends_at <= b.starts_at for a, b in pairwise(energy))


def cut(usage: Usage, moment: datetime) -> tuple[Usage, Usage]:
    """The same usage as two sessions."""
    middle = energy_at(usage.series, moment)
    before = tuple(p for p in usage.series if p.at <= moment)
    after = tuple(EnergyPoint(p.at, p.wh - middle) for p in usage.series if p.at > moment)
    return (
        Usage(usage.started_at, moment, (*before, EnergyPoint(moment, middle))),
        Usage(moment, usage.ended_at, (EnergyPoint(moment, 0), *after)),
    )


def total(terms: TariffTerms, kind: LineKind, *parts: Usage) -> Decimal:
    lines = [line for part in parts for line in price(terms, part).lines if line.kind is kind]
    return sum((line.gross for line in lines), Decimal(0))


@settings(deadline=None)
@given(TERMS, usages(), st.data())
def test_splitting_a_session_changes_its_price_by_no_more_than_the_rule(
    terms: TariffTerms, usage: Usage, data: st.DataObject
) -> None:
    assume(not terms.by_start)
    at_a_reading = data.draw(st.booleans())
    if at_a_reading:
        moment = data.draw(st.sampled_from(usage.series)).at
    else:
        seconds = int((usage.ended_at - usage.started_at).total_seconds())
        moment = usage.started_at + timedelta(seconds=data.draw(st.integers(0, seconds)))
    parts = cut(usage, moment)

    def change(kind: LineKind) -> Decimal:
        return abs(total(terms, kind, *parts) - total(terms, kind, usage))

    allowed = Decimal("0.01")
    if not at_a_reading:
        dearest = max([terms.price_per_kwh, *(w.price_per_kwh for w in terms.windows)])
        lines = [x for part in parts for x in price(terms, part).lines if x.unit == "kWh"]
        allowed += len(lines) * (Decimal("0.01") + dearest / 1000)
    assert change(LineKind.ENERGY) <= allowed
    assert change(LineKind.TIME) <= terms.price_per_minute + Decimal("0.02")
    assert change(LineKind.SESSION) == total(terms, LineKind.SESSION, usage)


@settings(deadline=None)
@given(TERMS, usages(), st.integers(0, 50_000))
def test_more_energy_never_costs_less(terms: TariffTerms, usage: Usage, more: int) -> None:
    last = usage.series[-1]
    fuller = (*usage.series[:-1], EnergyPoint(last.at, last.wh + more))
    larger = Usage(usage.started_at, usage.ended_at, fuller, usage.flow_ended_at)
    by_start = TariffTerms(price_per_kwh=terms.price_per_kwh, windows=terms.windows, by_start=True)
    assert price(by_start, larger).total_gross >= price(by_start, usage).total_gross
    # A boundary that rounds up may move one Wh into a cheaper window: no more than that per line.
    before, after = price(terms, usage), price(terms, larger)
    dearest = max([terms.price_per_kwh, *(w.price_per_kwh for w in terms.windows)])
    allowed = len(after.lines) * (Decimal("0.01") + dearest / 1000) if terms.windows else 0
    assert after.total_gross >= before.total_gross - allowed


@settings(deadline=None)
@given(st.lists(WINDOWS, max_size=4), usages())
def test_stretches_cover_the_session_without_gap_or_overlap(
    windows: list[Window], usage: Usage
) -> None:
    found = stretches(windows, frozenset(), Decimal(1), usage.started_at, usage.ended_at, BANGKOK)
    assert found[0].starts_at == usage.started_at
    assert found[-1].ends_at == usage.ended_at
    assert all(a.ends_at == b.starts_at for a, b in pairwise(found))
    for stretch in found:
        middle = stretch.starts_at + (stretch.ends_at - stretch.starts_at) / 2
        at_the_middle = stretches(windows, frozenset(), Decimal(1), middle, middle, BANGKOK)
        assert at_the_middle[0].price_per_kwh == stretch.price_per_kwh
