"""A session's readings: the register for pricing, the curve for people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import QuerySet

from transactions.models import Reading, Session

MAX_CURVE_POINTS = 500
# Longer than this without a reading is shown as a gap, not as a line.
GAP = timedelta(minutes=5)
# Readings may be stored before the start is (other lane) and after the stop (a late batch). The
# bounds are on the partition key: without them every month's partition would be looked into.
_MARGIN = timedelta(days=1)


class StoredRegister(NamedTuple):
    measured_at: datetime
    received_at: datetime
    energy_wh: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a curve. W, Wh, %, A, V; `after_gap`: no line from the point before."""

    at: datetime
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
    rows = _rows_of(session).filter(energy_wh__isnull=False).order_by()
    return [
        StoredRegister(*row) for row in rows.values_list("measured_at", "received_at", "energy_wh")
    ]


def curve(session: Session, max_points: int = MAX_CURVE_POINTS) -> list[CurvePoint]:
    """The readings in order of time, thinned evenly to at most `max_points`; one query.

    First and last reading are always there. `energy_wh` is the charger's register.
    """
    rows = list(
        _rows_of(session)
        .order_by("measured_at", "id")
        .values_list("measured_at", "power_w", "energy_wh", "soc_percent", "current_a", "voltage_v")
    )
    if len(rows) > max_points:
        step = (len(rows) - 1) / (max_points - 1)
        chosen = [round(number * step) for number in range(max_points)]
    else:
        chosen = list(range(len(rows)))
    points: list[CurvePoint] = []
    before = 0
    for index in chosen:
        gap = any(rows[i + 1][0] - rows[i][0] > GAP for i in range(before, index))
        points.append(CurvePoint(*rows[index], after_gap=gap))
        before = index
    return points
