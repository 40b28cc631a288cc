"""A session's energy from its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from transactions.domain.energy import (
    MAX_REGISTER_WH,
    Delivered,
    RegisterSample,
    delivered,
    energy_at,
)
from transactions.domain.inputs import ReadingInput
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
    return session.started_at != session.charger_started_at


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
    by_receipt = has_wrong_start_clock(session)
    return delivered(
        started_at=session.started_at,
        meter_start_wh=session.meter_start_wh,
        ended_at=ended_at,
        meter_stop_wh=meter_stop_wh,
        samples=[
            RegisterSample(row.received_at if by_receipt else row.measured_at, row.energy_wh)
            for row in registers
        ],
        max_power_w=session.connector.max_power_w,
    )


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
