"""A session's energy from its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from chargepoints.domain.clocks import is_plausible
from chargepoints.domain.quirks import RegisterKind
from transactions.domain.energy import (
    MAX_REGISTER_WH,
    OUTSIDE_TOLERANCE,
    Delivered,
    RegisterSample,
    delivered,
    energy_at,
)
from transactions.domain.inputs import ReadingInput
from transactions.domain.pricing import Usage
from transactions.models import Session
from transactions.selectors.readings import (
    MAX_CURVE_POINTS,
    CurvePoint,
    StoredRegister,
    registers_of,
    thinned,
)


def register_value(wh: int | None) -> int | None:
    """A register value that can be stored and believed, else None."""
    return wh if wh is not None and 0 <= wh <= MAX_REGISTER_WH else None


def has_wrong_start_clock(session: Session) -> bool:
    """Whether our receive times stand in for the charger's, for the start and the readings."""
    return session.is_timed_by_us


def moment_of(session: Session, row: StoredRegister) -> datetime:
    """When a reading of the session counts as measured.

    A clock that jumps while a session runs costs none of its energy: what it puts where it cannot
    be, or before the start, was measured when we received it.
    """
    if session.started_at is None:
        raise ValueError("The session never started.")
    is_possible = (
        not has_wrong_start_clock(session)
        and is_plausible(row.measured_at, row.received_at)
        and row.measured_at >= session.started_at - OUTSIDE_TOLERANCE
    )
    return row.measured_at if is_possible else row.received_at


def registers_from(readings: Iterable[ReadingInput], received_at: datetime) -> list[StoredRegister]:
    """Readings that came with a message and were perhaps just stored."""
    return [
        StoredRegister(reading.measured_at, received_at, reading.energy_wh)
        for reading in readings
        if reading.energy_wh is not None
    ]


def measure(
    session: Session,
    *,
    ended_at: datetime,
    meter_stop_wh: int | None,
    registers: Iterable[StoredRegister],
) -> Delivered:
    """What the session delivered by `ended_at`, as `registers` and its start value tell."""
    if session.started_at is None:
        raise ValueError("The session never started.")
    return delivered(
        started_at=session.started_at,
        meter_start_wh=session.meter_start_wh,
        ended_at=ended_at,
        meter_stop_wh=meter_stop_wh,
        samples=_samples(session, registers),
        max_power_w=session.connector.max_power_w,
        register_kind=RegisterKind(session.register_kind),
    )


def _samples(session: Session, registers: Iterable[StoredRegister]) -> list[RegisterSample]:
    """The readings in the order in which they were measured, as far as that can be told.

    A clock that is turned back in mid-session puts new readings between old ones, where they look
    like resets of the meter. Then the order in which they came is the better one.
    """
    rows = _once(registers)
    by_clock = _in_order(RegisterSample(moment_of(session, row), row.energy_wh) for row in rows)
    falls = _falls(by_clock)
    if falls == 0:
        return by_clock
    # Within one message the charger's order stands: all of it came at the same moment.
    as_received = sorted(rows, key=lambda row: (row.received_at, moment_of(session, row)))
    by_receipt = [RegisterSample(row.received_at, row.energy_wh) for row in as_received]
    return by_receipt if _falls(by_receipt) < falls else by_clock


def _once(registers: Iterable[StoredRegister]) -> list[StoredRegister]:
    """Each reading as it came first: a charger that got no answer sends it again."""
    latest_first = sorted(registers, key=lambda row: row.received_at, reverse=True)
    return list({(row.measured_at, row.energy_wh): row for row in latest_first}.values())


def _in_order(samples: Iterable[RegisterSample]) -> list[RegisterSample]:
    return sorted(samples, key=lambda sample: (sample.at, sample.wh))


def _falls(samples: Sequence[RegisterSample]) -> int:
    return sum(after.wh < before.wh for before, after in pairwise(samples))


def measure_ended(session: Session) -> Delivered:
    """What an ended session delivered, from its stored readings; one query."""
    if session.ended_at is None:
        raise ValueError("The session has not ended.")
    return measure(
        session,
        ended_at=session.ended_at,
        meter_stop_wh=session.meter_stop_wh,
        registers=registers_of(session),
    )


def usage_of(session: Session, ended_at: datetime | None, measured: Delivered) -> Usage:
    """What pricing needs of a session that ends, or would end, at `ended_at`."""
    if session.started_at is None or ended_at is None:
        raise ValueError("The session has no start or no end.")
    return Usage(
        started_at=session.started_at,
        ended_at=ended_at,
        series=measured.series,
        flow_ended_at=measured.flow_ended_at,
        unplugged_at=session.unplugged_at,
    )


def measure_until(session: Session, points: Iterable[CurvePoint], at: datetime) -> Delivered:
    """What a session delivered until its end, or until `at` while it runs; no query."""
    started_at = session.started_at or at
    return measure(
        session,
        ended_at=session.ended_at or max(at, started_at),
        meter_stop_wh=session.meter_stop_wh,
        registers=[
            StoredRegister(point.at, point.received_at, point.energy_wh)
            for point in points
            if point.energy_wh is not None
        ],
    )


def curve(
    session: Session,
    points: Sequence[CurvePoint],
    delivered: Delivered,
    at_most: int = MAX_CURVE_POINTS,
) -> list[CurvePoint]:
    """The readings, thinned, with the energy delivered since the start instead of the register."""
    by_receipt = has_wrong_start_clock(session)
    return [
        point
        if point.energy_wh is None
        else replace(
            point,
            energy_wh=energy_at(delivered.series, point.received_at if by_receipt else point.at),
        )
        for point in thinned(list(points), at_most)
    ]
