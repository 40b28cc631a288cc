"""The benchmark's proof that nothing acknowledged is lost must itself be able to fail."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson
import pytest

from benchmarks import messages
from benchmarks.report import Row, medians, percentile, table
from benchmarks.verification import (
    StoredReading,
    StoredSession,
    VerificationFailed,
    verify_readings,
    verify_sessions,
)

ACKNOWLEDGED = {"A": [1, 2, 3], "B": [1]}
PRICED = StoredSession(7, "ENDED", messages.SESSION_WH, messages.SESSION_PRICE)


def stored(
    acknowledged: dict[str, list[int]] = ACKNOWLEDGED, without: Sequence[tuple[str, int]] = ()
) -> Iterator[StoredReading]:
    """What a faithful database holds, but for the samples `without`."""
    for identity, energies in acknowledged.items():
        for energy in energies:
            if (identity, energy) not in without:
                yield StoredReading(identity, 5, messages.sample_of(energy))


def test_all_acknowledged_samples_are_found() -> None:
    assert verify_readings(ACKNOWLEDGED, stored()) == 4


def test_rows_beyond_the_acknowledged_ones_do_no_harm() -> None:
    assert verify_readings({"A": [2]}, stored()) == 1


def test_a_missing_reading_is_noticed() -> None:
    with pytest.raises(VerificationFailed, match=r"1 of 4 .*\('A', 2\)"):
        verify_readings(ACKNOWLEDGED, stored(without=[("A", 2)]))


def test_a_reading_under_another_station_does_not_count() -> None:
    rows = [row._replace(identity="A") for row in stored()]
    with pytest.raises(VerificationFailed, match=r"1 of 4 .*\('B', 1\)"):
        verify_readings(ACKNOWLEDGED, rows)


@pytest.mark.parametrize(
    "change",
    [
        {"sample": messages.sample_of(3)._replace(power_w=1)},
        {"sample": messages.sample_of(3)._replace(current_a=Decimal("0.5"))},
        {"session_id": None},
    ],
)
def test_an_altered_reading_is_noticed(change: dict[str, Any]) -> None:
    rows = [
        row._replace(**change) if (row.identity, row.sample.energy_wh) == ("A", 3) else row
        for row in stored()
    ]
    with pytest.raises(VerificationFailed, match="altered"):
        verify_readings(ACKNOWLEDGED, rows)


def test_a_load_that_repeats_a_value_proves_nothing() -> None:
    with pytest.raises(VerificationFailed, match="twice"):
        verify_readings({"A": [1, 1]}, stored())


def test_the_wire_says_what_the_database_is_searched_for() -> None:
    entry = orjson.loads(messages.meter_value(123_456, "2026-01-01T00:00:00Z"))
    values = [Decimal(sampled["value"]) for sampled in entry["sampledValue"]]
    assert values == list(messages.sample_of(123_456))


@pytest.mark.parametrize(
    "row",
    [
        PRICED._replace(state="ACTIVE"),
        PRICED._replace(total_gross=None),
        PRICED._replace(energy_wh=0),
        PRICED._replace(id=8),
    ],
)
def test_a_session_that_is_not_priced_is_noticed(row: StoredSession) -> None:
    with pytest.raises(VerificationFailed, match="1 of 1"):
        verify_sessions([7], [row])
    assert verify_sessions([7], [PRICED]) == 1


def test_medians_are_taken_figure_by_figure() -> None:
    runs = [[Row("load", per_second=rate, p99=p99)] for rate, p99 in ((1, 9), (3, 5), (2, 7))]
    (row,) = medians(runs)
    assert (row.per_second, row.p99, row.p50) == (2, 7, None)
    assert "| load " in table([row])


def test_percentiles_are_values_that_occurred() -> None:
    ordered = list(range(1, 101))
    assert [percentile(ordered, p) for p in (50, 99, 100)] == [50, 99, 100]
    assert percentile([4.0], 99) == 4.0
