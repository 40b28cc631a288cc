"""Storing what chargers measured: many rows at once, in the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

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
# What the columns hold. A charger may claim anything: what does not fit is kept raw in `extra`.
LIMITS = {
    "energy_wh": 2**63,
    "power_w": 2**31,
    "soc_percent": 1_000,
    "current_a": 1_000_000,
    "voltage_v": 1_000_000,
}


class ReadingRow(NamedTuple):
    """One row of `Reading`: `reading` as the charger measured it, and where it belongs."""

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


def _fitting(reading: ReadingInput) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values that their columns can hold, and `extra` with those that they cannot."""
    values: dict[str, Any] = {name: getattr(reading, name) for name in LIMITS}
    extra = reading.extra
    for name, limit in LIMITS.items():
        value = values[name]
        if value is not None and not abs(value) < limit - 0.005:  # it is rounded to two decimals
            values[name] = None
            extra = [*extra, {"measurand": name, "value": str(value)}]
    return values, extra


def _extra_json(extra: list[dict[str, Any]]) -> str:
    # PostgreSQL's jsonb refuses the NUL character, the only one that JSON may carry and it not.
    return orjson.dumps(extra, default=str).decode().replace("\\u0000", "")


def _context(reading: ReadingInput) -> str:
    return reading.context[:CONTEXT_LENGTH].replace("\x00", "")


def _instance(row: ReadingRow) -> Reading:
    values, extra = _fitting(row.reading)
    return Reading(
        received_at=row.received_at,
        measured_at=row.reading.measured_at,
        station_id=row.station_id,
        connector_id=row.connector_id,
        session_id=row.session_id,
        context=_context(row.reading),
        extra=orjson.loads(_extra_json(extra)) if extra else None,
        **values,
    )


def _number(value: int | Decimal | None) -> str:
    return "\\N" if value is None else str(value)


def _copy_line(row: ReadingRow) -> str:
    reading = row.reading
    values, extra = _fitting(reading)
    return "\t".join(
        (
            str(uuid_utils.uuid7()),
            row.received_at.isoformat(),
            reading.measured_at.isoformat(),
            str(row.station_id),
            _number(row.connector_id),
            _number(row.session_id),
            _number(values["energy_wh"]),
            _number(values["power_w"]),
            _number(values["soc_percent"]),
            _number(values["current_a"]),
            _number(values["voltage_v"]),
            copy_field(_context(reading)),
            copy_field(_extra_json(extra)) if extra else "\\N",
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
