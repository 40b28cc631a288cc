"""Storing what chargers measured: many rows at once, in the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import orjson
import uuid_utils
from django.db import connection

from csms.common.copying import copy_field, copy_rows
from transactions.domain.inputs import ReadingInput
from transactions.models import Reading

COLUMNS = (
    "id",
    "received_at",
    "measured_at",
    "station_id",
    "connector_id",
    "session_id",
    "energy_wh",
    "power_w",
    "soc_percent",
    "current_a",
    "voltage_v",
    "context",
    "extra",
)
CONTEXT_LENGTH = 30


class ReadingRow(NamedTuple):
    """One row of `Reading`. The values of `reading` fit their columns, its texts hold no NUL."""

    received_at: datetime
    station_id: int
    connector_id: int | None
    session_id: int | None
    reading: ReadingInput


def store_readings(rows: Sequence[ReadingRow]) -> None:
    """Write `rows`; the caller holds the transaction. COPY on PostgreSQL, bulk insert elsewhere."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        copy_rows(Reading._meta.db_table, COLUMNS, map(_copy_line, rows))
    else:
        Reading.objects.bulk_create(map(_instance, rows))


def _context(reading: ReadingInput) -> str:
    return reading.context[:CONTEXT_LENGTH]


def _instance(row: ReadingRow) -> Reading:
    reading = row.reading
    return Reading(
        received_at=row.received_at,
        measured_at=reading.measured_at,
        station_id=row.station_id,
        connector_id=row.connector_id,
        session_id=row.session_id,
        energy_wh=reading.energy_wh,
        power_w=reading.power_w,
        soc_percent=reading.soc_percent,
        current_a=reading.current_a,
        voltage_v=reading.voltage_v,
        context=_context(reading),
        extra=reading.extra or None,
    )


def _number(value: int | Decimal | None) -> str:
    return "\\N" if value is None else str(value)


def _copy_line(row: ReadingRow) -> str:
    reading = row.reading
    return "\t".join(
        (
            str(uuid_utils.uuid7()),
            row.received_at.isoformat(),
            reading.measured_at.isoformat(),
            str(row.station_id),
            _number(row.connector_id),
            _number(row.session_id),
            _number(reading.energy_wh),
            _number(reading.power_w),
            _number(reading.soc_percent),
            _number(reading.current_a),
            _number(reading.voltage_v),
            copy_field(_context(reading)),
            copy_field(orjson.dumps(reading.extra).decode()) if reading.extra else "\\N",
        )
    )


def reading_rows(
    station_id: int,
    connector_id: int | None,
    session_id: int | None,
    received_at: datetime,
    readings: Iterable[ReadingInput],
) -> list[ReadingRow]:
    """Rows for readings that were received together and belong to the same place."""
    return [
        ReadingRow(received_at, station_id, connector_id, session_id, reading)
        for reading in readings
    ]
