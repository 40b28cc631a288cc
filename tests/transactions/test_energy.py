"""What a register says, whatever it does: cases 60 to 63 of real meters."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepoints.domain.quirks import RegisterKind
from tests.transactions.support import EVENING
from transactions.domain.energy import (
    Delivered,
    EnergyPoint,
    MeterFault,
    RegisterSample,
    delivered,
    energy_at,
    flow_ended_at,
    possible_wh,
)

MINUTE = timedelta(minutes=1)
END = EVENING + 60 * MINUTE


def measured(
    start: int | None,
    *samples: tuple[int, int],
    stop: int | None,
    power: int = 50_000,
    kind: RegisterKind = RegisterKind.UNKNOWN,
) -> Delivered:
    """A session of one hour; a sample is (minute, Wh)."""
    return delivered(
        started_at=EVENING,
        meter_start_wh=start,
        ended_at=END,
        meter_stop_wh=stop,
        samples=[RegisterSample(EVENING + minute * MINUTE, wh) for minute, wh in samples],
        max_power_w=power,
        register_kind=kind,
    )


@pytest.mark.parametrize(
    ("start", "samples", "stop", "energy", "faults"),
    [
        (1_000, (), 11_000, 10_000, ()),
        (1_000, ((20, 4_000), (40, 8_000)), 11_000, 10_000, ()),
        (1_000, ((40, 8_000), (20, 4_000), (20, 4_000)), 11_000, 10_000, ()),
        # One zero after a power-up, then the register as before.
        (1_000, ((20, 4_000), (30, 0), (40, 8_000)), 11_000, 10_000, ()),
        (1_000, ((20, 4_000), (30, 0), (31, 0), (40, 8_000)), 11_000, 10_000, ()),
        # Reset to 0 at minute 30: 5,000 before, 3,000 after, then 2,000 to the stop.
        (1_000, ((20, 6_000), (30, 0), (50, 3_000)), 5_000, 10_000, ()),
        (1_000, ((20, 6_000), (40, 2_500)), 5_000, 10_000, ()),
        # A register of 32 bits that rolls over.
        (2**32 - 5_000, ((30, 1_000),), 4_000, 9_000, ()),
        # Readings per session, start and stop by the lifetime register.
        (500_000, ((20, 3_000), (40, 7_000)), 510_000, 10_000, ()),
        # A single value that sticks out.
        (1_000, ((20, 4_000), (30, 99_000_000)), 11_000, 10_000, (MeterFault.IMPOSSIBLE_JUMP,)),
        # What cannot have been delivered is capped: 1.1 x 50 kWh + 1 kWh.
        (1_000, (), 10_001_000, 56_000, (MeterFault.IMPOSSIBLE_JUMP,)),
        (1_000, (), 400, 0, (MeterFault.STOP_BELOW_START,)),
        (1_000, ((30, 5_000),), 0, 4_000, (MeterFault.STOP_BELOW_START,)),
        (1_000, ((20, 5_000), (30, 4_000), (40, 4_500)), 6_000, 6_000, (MeterFault.WENT_BACK,)),
        # No stop value, no start value, nothing at all.
        (1_000, ((20, 4_000), (40, 8_000)), None, 7_000, ()),
        (None, ((20, 4_000), (40, 8_000)), None, 4_000, ()),
        (1_000, (), None, 0, (MeterFault.NO_METER,)),
        (None, (), 5_000, 0, (MeterFault.NO_METER,)),
        # Readings from outside of the session are not its own.
        (1_000, ((-30, 900), (20, 4_000), (90, 90_000)), 11_000, 10_000, ()),
    ],
)
def test_registers(
    start: int | None,
    samples: tuple[tuple[int, int], ...],
    stop: int | None,
    energy: int,
    faults: tuple[MeterFault, ...],
) -> None:
    result = measured(start, *samples, stop=stop)
    assert (result.energy_wh, result.faults) == (energy, faults)


@pytest.mark.parametrize(
    ("start", "samples", "stop", "energy", "faults"),
    [
        (0, ((20, 4_000),), 10_000, 10_000, ()),
        # The start value is what the session before has left, or is missing.
        (9_000, ((20, 4_000),), 10_000, 10_000, ()),
        (3_000, ((20, 4_000),), 10_000, 10_000, ()),
        (None, (), 10_000, 10_000, ()),
        # Start, or start and stop, of another register that counts all of its life.
        (8_000_000, ((20, 4_000),), 10_000, 10_000, ()),
        (8_000_000, ((20, 4_000),), 8_010_000, 10_000, ()),
        (8_000_000, ((20, 8_004_000), (40, 8_006_000)), 8_010_000, 10_000, ()),
        (9_000, ((20, 4_000), (40, 7_000)), None, 7_000, ()),
        (9_000, (), None, 0, (MeterFault.NO_METER,)),
        (9_000, ((20, 4_000),), 3_000, 4_000, (MeterFault.STOP_BELOW_START,)),
    ],
)
def test_a_register_that_is_known_to_count_per_session_begins_at_0(
    start: int | None,
    samples: tuple[tuple[int, int], ...],
    stop: int | None,
    energy: int,
    faults: tuple[MeterFault, ...],
) -> None:
    result = measured(start, *samples, stop=stop, kind=RegisterKind.PER_SESSION)
    assert (result.energy_wh, result.faults) == (energy, faults)


def test_a_register_that_is_known_to_count_all_of_its_life_is_not_guessed_at() -> None:
    samples = ((20, 3_000), (40, 7_000))
    assert measured(8_000, *samples, stop=18_000).energy_wh == 10_000
    known = measured(8_000, *samples, stop=18_000, kind=RegisterKind.LIFETIME)
    # That it fell to 3,000 cannot be: only what it grew by after that is counted, and it is held.
    assert (known.energy_wh, known.faults) == (15_000, (MeterFault.WENT_BACK,))


def test_the_flow_ends_with_the_last_interval_that_carried_power() -> None:
    """10 Wh in 20 minutes are 30 W: the car's own consumption, not charging."""
    assert measured(0, (20, 5_000), (40, 10_000), stop=10_010).flow_ended_at == (
        EVENING + 40 * MINUTE
    )
    assert measured(0, (20, 5_000), (40, 5_000), stop=8_000).flow_ended_at == END
    assert measured(0, (20, 0), stop=0).flow_ended_at is None


def test_energy_between_readings_is_interpolated_and_rounded_half_up() -> None:
    series = (EnergyPoint(EVENING, 0), EnergyPoint(EVENING + MINUTE, 3), EnergyPoint(END, 10))
    moments = [EVENING - MINUTE, EVENING, EVENING + MINUTE / 2, EVENING + MINUTE, END, END + MINUTE]
    assert [energy_at(series, moment) for moment in moments] == [0, 0, 2, 3, 10, 10]


SAMPLES = st.lists(st.tuples(st.integers(-5, 65), st.integers(-10, 2**40)), max_size=15)
REGISTERS = st.none() | st.integers(0, 2**40)


@settings(deadline=None)
@given(REGISTERS, SAMPLES, REGISTERS, st.sampled_from(RegisterKind))
def test_energy_is_never_negative_never_more_than_possible_and_grows(
    start: int | None, samples: list[tuple[int, int]], stop: int | None, kind: RegisterKind
) -> None:
    result = measured(start, *samples, stop=stop, kind=kind)
    limit = possible_wh(END - EVENING, 50_000) + 1_000 * (len(samples) + 1)
    assert 0 <= result.energy_wh <= limit
    assert (result.series[0].at, result.series[0].wh) == (EVENING, 0)
    assert result.series[-1].wh == result.energy_wh
    assert result.series[-1].at == END
    assert all(a.at <= b.at and a.wh <= b.wh for a, b in pairwise(result.series))
    assert result.flow_ended_at == flow_ended_at(result.series)


@settings(deadline=None)
@given(st.lists(st.integers(0, 800), min_size=1, max_size=30), st.integers(0, 10**9))
def test_a_register_that_only_grows_gives_what_it_grew_by(steps: list[int], start: int) -> None:
    values = [start]
    for step in steps:
        values.append(values[-1] + step)
    samples = [(2 * index, value) for index, value in enumerate(values[1:-1], start=1)]
    result = measured(start, *samples, stop=values[-1])
    assert (result.energy_wh, result.faults) == (sum(steps), ())
    # The same with a zero thrown in anywhere, and in any order.
    dip = (2 * (len(steps) // 2) + 1, 0)
    if start > 0 and len(steps) > 1:
        with_dip = measured(start, *reversed([*samples, dip]), stop=values[-1])
        assert (with_dip.energy_wh, with_dip.faults) == (sum(steps), ())


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 800), min_size=1, max_size=12),
    st.lists(st.integers(1, 800), min_size=2, max_size=12),
)
def test_a_reset_adds_the_segments(before: list[int], after: list[int]) -> None:
    start = 1_000_000
    samples, register = [], start
    for minute, step in enumerate(before, start=1):
        register += step
        samples.append((minute, register))
    samples.append((20, 0))
    register = 0
    for minute, step in enumerate(after, start=21):
        register += step
        samples.append((minute, register))
    result = measured(start, *samples, stop=register)
    assert (result.energy_wh, result.faults) == (sum(before) + sum(after), ())


class CountedInt(int):
    """A register value that counts how often it is compared."""

    comparisons = 0

    def __ne__(self, other: object) -> bool:
        CountedInt.comparisons += 1
        return int.__ne__(self, other)

    def __lt__(self, other: int) -> bool:
        CountedInt.comparisons += 1
        return int.__lt__(self, other)

    __hash__ = int.__hash__


def test_a_night_of_zeros_costs_no_more_than_its_readings() -> None:
    """A stop with tens of thousands of readings must not hold a thread for minutes."""
    CountedInt.comparisons = 0
    count = 2_000
    found = delivered(
        started_at=EVENING,
        meter_start_wh=1_000_000,
        ended_at=END,
        meter_stop_wh=1_000_500,
        samples=[
            RegisterSample(EVENING + number * timedelta(seconds=1), CountedInt(0))
            for number in range(count)
        ],
        register_kind=RegisterKind.LIFETIME,
    )
    assert found.energy_wh == 500
    assert CountedInt.comparisons < 10 * count
