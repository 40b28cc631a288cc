"""A session's readings: the register for pricing, the curve for people."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from csms.common.rows import columns, fetch_all, moment, values
from transactions.domain.energy import OUTSIDE_TOLERANCE
from transactions.models import Reading, Session

MAX_CURVE_POINTS = 500
# Longer than this without a reading is shown as a gap, not as a line.
GAP = timedelta(minutes=5)
# Readings may be stored before the start is (other lane) and after the stop (a late batch). The
# bounds are on the partition key: without them every month's partition would be looked into.
_MARGIN = timedelta(days=1)
_REGISTERS = """
FROM transactions_reading AS reading
WHERE session_id = %s AND energy_wh IS NOT NULL
"""


class StoredRegister(NamedTuple):
    measured_at: datetime
    received_at: datetime
    energy_wh: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a curve. W, Wh, %, A, V; `after_gap`: no line from the point before.

    `energy_wh` is the charger's register until `metering.curve` makes it what was delivered.
    """

    at: datetime
    received_at: datetime
    power_w: int | None
    energy_wh: int | None
    soc_percent: Decimal | None
    current_a: Decimal | None
    voltage_v: Decimal | None
    after_gap: bool = False


def _rows_of(session: Session) -> QuerySet[Reading]:
    rows = Reading.objects.filter(session_id=session.pk)
    if session.start_received_at is not None:
        rows = rows.filter(received_at__gte=session.start_received_at - _MARGIN)
    if session.stop_received_at is not None:
        rows = rows.filter(received_at__lte=session.stop_received_at + _MARGIN)
    return rows


def registers_of(session: Session) -> list[StoredRegister]:
    """The stored register values, in no order; one query."""
    return _registers(session)


def newest_register_of(session: Session) -> StoredRegister | None:
    """The stored register value that was measured last; one query."""
    return next(iter(_registers(session, "ORDER BY measured_at DESC LIMIT 1")), None)


def _registers(session: Session, ending: str = "") -> list[StoredRegister]:
    # Written out, because every stop runs it and building it costs more than running it.
    statement = _REGISTERS
    parameters: list[Any] = [session.pk]
    if session.start_received_at is not None:
        statement += " AND received_at >= %s"
        parameters.append(moment(session.start_received_at - _MARGIN))
    if session.stop_received_at is not None:
        statement += " AND received_at <= %s"
        parameters.append(moment(session.stop_received_at + _MARGIN))
    return [
        StoredRegister(*values(Reading, StoredRegister._fields, row))
        for row in fetch_all(f"SELECT {_register_columns()} {statement} {ending}", parameters)
    ]


def _register_columns() -> str:
    return columns(Reading, "reading", StoredRegister._fields)


def readings_of(session: Session) -> list[CurvePoint]:
    """Every reading of the session in order of time; one query.

    Not those that a charger went on to send after its end: they are no part of what was priced.
    """
    points: list[CurvePoint] = []
    rows = _rows_of(session).order_by("measured_at", "id")
    if session.ended_at is not None and not session.is_timed_by_us:
        rows = rows.filter(measured_at__lte=session.ended_at + OUTSIDE_TOLERANCE)
    for row in rows.values_list(
        "measured_at",
        "received_at",
        "power_w",
        "energy_wh",
        "soc_percent",
        "current_a",
        "voltage_v",
    ):
        after_gap = bool(points) and row[0] - points[-1].at > GAP
        points.append(CurvePoint(*row, after_gap=after_gap))
    return points


def thinned(points: list[CurvePoint], at_most: int = MAX_CURVE_POINTS) -> list[CurvePoint]:
    """At most `at_most` of the points, evenly chosen, the first and the last among them.

    A gap between two that are left out is kept at the next one that is not.
    """
    if len(points) <= at_most:
        return points
    step = (len(points) - 1) / (at_most - 1)
    chosen: list[CurvePoint] = []
    before = -1
    for index in (round(number * step) for number in range(at_most)):
        has_gap = any(point.after_gap for point in points[before + 1 : index + 1])
        chosen.append(replace(points[index], after_gap=has_gap))
        before = index
    return chosen
