"""The message archive: every frame in and out, in bulk, and for a limited time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from struct import Struct
from typing import Final, NamedTuple

import uuid_utils
from django.conf import settings
from django.db import connection

from csms.common import copying
from csms.common.partitions import drop_partitions, keep_partitions
from ocpp_gateway.models import Message

COLUMNS = (
    "id",
    "at",
    "station_id",
    "epoch",
    "direction",
    "type",
    "action",
    "message_id",
    "payload",
    "latency_ms",
)
# The longest frame that is kept whole; of a longer one its beginning.
PAYLOAD_LENGTH = 32_768
DELETE_CHUNK = 10_000
# How many fields, then id, at, station_id and epoch.
_FIRST_FIELDS: Final = Struct(">hi16siqiqiq").pack


class ArchiveRow(NamedTuple):
    """One frame, secrets masked already. `latency_ms`: from a CALL to this, its answer."""

    at: datetime
    station_id: int
    epoch: int
    direction: str
    type: str
    action: str
    message_id: str
    payload: str
    latency_ms: int | None = None


def store_messages(rows: Sequence[ArchiveRow]) -> None:
    """Write `rows`; the caller holds the transaction. COPY on PostgreSQL, bulk insert elsewhere."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        copying.copy_rows(Message._meta.db_table, COLUMNS, map(_copied, rows))
    else:
        Message.objects.bulk_create(map(_instance, rows))


def _copied(row: ArchiveRow) -> bytes:
    at, station_id, epoch, direction, kind, action, message_id, payload, latency = row
    return b"".join(
        (
            _FIRST_FIELDS(
                len(COLUMNS),
                16,
                uuid_utils.uuid7().bytes,
                8,
                copying.microseconds(at),
                8,
                station_id,
                8,
                epoch,
            ),
            copying.word(direction),
            copying.word(kind),
            copying.word(action[:50]),
            copying.text(message_id[:36]),
            copying.text(payload[:PAYLOAD_LENGTH]),
            copying.integer(latency),
        )
    )


def _instance(row: ArchiveRow) -> Message:
    fields = row._asdict()
    fields["action"] = row.action[:50]
    fields["message_id"] = row.message_id[:36]
    fields["payload"] = row.payload[:PAYLOAD_LENGTH].replace("\x00", "")
    return Message(**fields)


def expire_messages(now: datetime) -> int:
    """Delete what is older than OCPP_MESSAGE_RETENTION_DAYS, in chunks; return the row count.

    On PostgreSQL a month that is over as a whole goes with its partition, and its rows are not
    counted one by one.
    """
    limit = now - timedelta(days=settings.OCPP_MESSAGE_RETENTION_DAYS)
    dropped = drop_partitions(connection, Message._meta.db_table, limit.date())
    removed = dropped.partitions
    if not dropped.is_all:
        return removed
    while True:
        chunk = Message.objects.filter(at__lt=limit).order_by().values("pk")[:DELETE_CHUNK]
        count, _per_model = Message.objects.filter(at__lt=limit, pk__in=chunk).delete()
        removed += count
        if count < DELETE_CHUNK:
            return removed


def make_partitions(now: datetime) -> None:
    """Make sure that the coming months have their partitions (PostgreSQL only)."""
    keep_partitions(connection, Message._meta.db_table, now.date())
