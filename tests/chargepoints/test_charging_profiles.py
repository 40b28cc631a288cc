"""What charging profiles amount to together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from chargepoints.domain.charging_profiles import (
    Kind,
    Period,
    Profile,
    Purpose,
    composite,
    first_difference,
    is_comparable,
    tenths,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def profile(*steps: tuple[int, int], **fields: Any) -> Profile:
    return Profile(
        **{
            "purpose": Purpose.DEFAULT,
            "stack_level": 0,
            "kind": Kind.ABSOLUTE,
            "evse_id": 0,
            "unit": "A",
            "periods": tuple(Period(*step) for step in steps),
            "starts_at": NOON,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (16, 160),
        (16.1, 161),
        ("0.3", 3),
        (0.1 + 0.2, None),
        (0, 0),
        ("16,1", None),
        (-1, None),
        ("NaN", None),
        ("1e3", 10_000),
        (True, None),
        (None, None),
    ],
)
def test_case_78_limits_have_one_decimal(value: Any, expected: int | None) -> None:
    assert tenths(value) == expected


@given(some.integers(0, 10_000_000))
def test_case_78_no_tenth_is_lost_as_a_float(number: int) -> None:
    assert tenths(number / 10) == number


def test_the_higher_level_counts_while_it_lasts() -> None:
    low = profile((0, 320))
    high = profile((0, 100), (600, 60), stack_level=1, duration=1200)
    expected = [Period(0, 100), Period(600, 60), Period(1200, 320)]
    assert composite([low, high], 1, NOON, 3600) == expected
    later = NOON + timedelta(seconds=900)
    assert composite([high, low], 1, later, 3600) == [Period(0, 60), Period(300, 320)]


def test_the_purposes_and_places() -> None:
    cap = profile((0, 500), (100, 150), purpose=Purpose.STATION_MAX)
    everywhere = profile((0, 320), stack_level=5)
    here = profile((0, 200), evse_id=1)
    session = profile((0, 250), evse_id=1, purpose=Purpose.TRANSACTION)
    profiles = [cap, everywhere, here]
    assert composite(profiles, 0, NOON, 600) == [Period(0, 500), Period(100, 150)]
    assert composite(profiles, 2, NOON, 600) == [Period(0, 320), Period(100, 150)]
    assert composite(profiles, 1, NOON, 600) == [Period(0, 200), Period(100, 150)]
    assert composite([*profiles, session], 1, NOON, 50) == [Period(0, 250)]


def test_a_schedule_that_comes_again_every_day() -> None:
    night = profile((0, 320), kind=Kind.RECURRING, cycle=86_400, duration=8 * 3600, starts_at=NOON)
    start = NOON + timedelta(days=3, hours=-1)
    found = composite([night], 1, start, 2 * 86_400)
    assert found == [
        Period(0, None),
        Period(3600, 320),
        Period(9 * 3600, None),
        Period(3600 + 86_400, 320),
        Period(9 * 3600 + 86_400, None),
    ]


def test_it_counts_only_while_it_is_valid() -> None:
    found = profile(
        (0, 60),
        valid_from=NOON + timedelta(minutes=1),
        valid_to=NOON + timedelta(minutes=2),
        starts_at=NOON - timedelta(days=1),
    )
    assert composite([found], 1, NOON, 600) == [Period(0, None), Period(60, 60), Period(120, None)]


_profiles = some.lists(
    some.builds(
        Profile,
        purpose=some.sampled_from(Purpose),
        stack_level=some.integers(0, 2),
        kind=some.just(Kind.ABSOLUTE),
        evse_id=some.integers(0, 1),
        unit=some.just("A"),
        periods=some.lists(some.integers(1, 50), unique=True, max_size=3).map(
            lambda starts: tuple(Period(s, s * 3) for s in sorted({0, *starts}))
        ),
        starts_at=some.integers(-60, 60).map(lambda s: NOON + timedelta(seconds=s)),
        duration=some.none() | some.integers(1, 70),
        cycle=some.sampled_from([0, 0, 40]),
    ),
    max_size=4,
)


@settings(max_examples=60)
@given(_profiles, some.integers(1, 90))
def test_no_step_is_missed_whatever_the_profiles(profiles: list[Profile], duration: int) -> None:
    found = composite(profiles, 1, NOON, duration)
    assert [step.start for step in found] == sorted({step.start for step in found})
    for second in range(duration):
        here = [step.limit for step in found if step.start <= second][-1]
        at_once = composite(profiles, 1, NOON + timedelta(seconds=second), 1)
        assert at_once == [Period(0, here)]


def test_what_cannot_be_known_is_not_compared() -> None:
    assert is_comparable([profile((0, 160)), profile((0, 60), kind=Kind.RELATIVE)], "A")
    assert not is_comparable([profile((0, 160), (60, 80), kind=Kind.RELATIVE)], "A")
    assert not is_comparable([profile((0, 160))], "W")


@pytest.mark.parametrize(
    ("expected", "reported", "difference"),
    [
        ([(0, 160)], [(0, 160)], None),
        ([(0, 160), (600, 60)], [(0, 160), (603, 60)], None),
        ([(0, None)], [(0, 320)], None),
        ([(0, 160)], [(0, 160), (300, 160)], None),
        ([(0, 160), (600, 60)], [(0, 160)], (600, 60, 160)),
        ([(0, 160)], [], (0, 160, None)),
    ],
)
def test_where_two_schedules_part(expected: Any, reported: Any, difference: Any) -> None:
    def periods(steps: Any) -> list[Period]:
        return [Period(*step) for step in steps]

    assert first_difference(periods(expected), periods(reported), 3600) == difference
