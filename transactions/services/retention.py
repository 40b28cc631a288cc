"""How long readings are kept: months are dropped whole where the table is partitioned."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from csms.common.partitions import drop_partitions, keep_partitions
from transactions.models import Reading

_CHUNK = 5_000


def create_reading_partitions(now: datetime) -> None:
    """Make sure that the coming months have partitions (PostgreSQL only)."""
    keep_partitions(connection, Reading._meta.db_table, now.date())


def delete_old_readings(now: datetime) -> int:
    """Delete readings older than READING_RETENTION_DAYS; returns partitions dropped plus rows.

    Prices stay: cost lines hold what was computed.
    """
    limit = now - timedelta(days=settings.READING_RETENTION_DAYS)
    # The months that are over go as a whole, the month of `limit` row by row.
    dropped = drop_partitions(connection, Reading._meta.db_table, limit.date())
    return dropped.partitions + (_delete_rows(limit) if dropped.is_all else 0)


def _delete_rows(limit: datetime) -> int:
    deleted = 0
    while True:
        chunk = list(
            Reading.objects.filter(received_at__lt=limit).values_list("pk", flat=True)[:_CHUNK]
        )
        if not chunk:
            return deleted
        rows = Reading.objects.filter(pk__in=chunk, received_at__lt=limit)
        deleted += rows._raw_delete(rows.db)
