"""Storing what chargers measured: many rows at once, in the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from struct import Struct
from typing import Final, NamedTuple

import orjson
import uuid_utils
from django.db import connection

from csms.common import copying
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
# How many fields, then id, received_at, measured_at and station_id.
_FIRST_FIELDS: Final = Struct(">hi16siqiqiq").pack


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
        copying.copy_rows(Reading._meta.db_table, COLUMNS, map(_copied, rows))
    else:
        Reading.objects.bulk_create(map(_instance, rows))


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
        context=reading.context[:CONTEXT_LENGTH],
        extra=reading.extra or None,
    )


def _copied(row: ReadingRow) -> bytes:
    received_at, station_id, connector_id, session_id, reading = row
    measured_at, energy, power, soc, current, voltage, context, extra = reading
    return b"".join(
        (
            _FIRST_FIELDS(
                len(COLUMNS),
                16,
                uuid_utils.uuid7().bytes,
                8,
                copying.microseconds(received_at),
                8,
                copying.microseconds(measured_at),
                8,
                station_id,
            ),
            copying.bigint(connector_id),
            copying.bigint(session_id),
            copying.bigint(energy),
            copying.integer(power),
            copying.hundredths(soc),
            copying.hundredths(current),
            copying.hundredths(voltage),
            copying.word(context[:CONTEXT_LENGTH]),
            copying.jsonb(orjson.dumps(extra) if extra else None),
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
