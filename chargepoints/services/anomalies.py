"""Deviations of a station, counted by kind: one row for a thousand of the same."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from chargepoints.domain.text import fit
from chargepoints.models import Alert, StationAnomaly
from chargepoints.services.alerts import Occurrence, raise_alerts

KIND_LENGTH = 50
DETAIL_LENGTH = 1000
# Of these a person is told, besides their being counted here.
_ALERTED = {
    "identity_changed": Alert.Kind.ANOTHER_DEVICE,
    "many_unknown_tokens": Alert.Kind.MANY_UNKNOWN_TOKENS,
}
# What a refused handshake is counted as begins with this word; the reason follows.
_REFUSED = "refused: "


@dataclass(frozen=True, slots=True)
class Anomaly:
    station_id: int
    kind: str
    detail: str
    at: datetime


def record(station_id: int, kind: str, detail: str, at: datetime) -> None:
    """Count one deviation; the newest detail is kept."""
    record_many([Anomaly(station_id, kind, detail, at)])


@transaction.atomic(savepoint=False)
def record_many(anomalies: Iterable[Anomaly]) -> None:
    """Count them in one statement, whatever other processes count meanwhile; raise the alerts."""
    items = list(anomalies)
    counts = Counter((item.station_id, fit(item.kind, KIND_LENGTH)) for item in items)
    newest = {(item.station_id, fit(item.kind, KIND_LENGTH)): item for item in items}
    if not newest:
        return
    table = connection.ops.quote_name(StationAnomaly._meta.db_table)
    values: list[Any] = []
    for key in sorted(newest):
        at = connection.ops.adapt_datetimefield_value(newest[key].at)
        detail = fit(newest[key].detail, DETAIL_LENGTH)
        values += [key[0], key[1], detail, counts[key], at, at]
    # Only our own table's name is put into the text; every value is a parameter.
    statement = (
        f"INSERT INTO {table} (station_id, kind, detail, count, first_at, last_at) VALUES "  # noqa: S608
        + ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(newest))
        + " ON CONFLICT (station_id, kind) DO UPDATE SET "
        f"count = {table}.count + excluded.count, detail = excluded.detail, "
        "last_at = excluded.last_at"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    raise_alerts(found for item in items if (found := _alerted(item)) is not None)


def _alerted(item: Anomaly) -> Occurrence | None:
    if item.kind.startswith(_REFUSED):
        detail = f"{item.kind.removeprefix(_REFUSED)}, {item.detail}"
        return Occurrence(item.station_id, Alert.Kind.WRONG_CREDENTIALS, detail, item.at)
    kind = _ALERTED.get(item.kind)
    return None if kind is None else Occurrence(item.station_id, kind, item.detail, item.at)
