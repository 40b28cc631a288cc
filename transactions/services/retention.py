"""How long readings are kept: months are dropped whole where the table is partitioned."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from csms.common.partitions import create_partitions
from transactions.models import Reading

_CHUNK = 5_000


def create_reading_partitions(now: datetime) -> None:
    """Make sure that the coming months have partitions (PostgreSQL only)."""
    create_partitions(connection, Reading._meta.db_table, now.date())


def delete_old_readings(now: datetime) -> int:
    """Delete readings older than READING_RETENTION_DAYS; returns partitions dropped plus rows.

    Prices stay: cost lines hold what was computed.
    """
    limit = now - timedelta(days=settings.READING_RETENTION_DAYS)
    return _drop_partitions(limit) + _delete_rows(limit)


def _drop_partitions(limit: datetime) -> int:
    """Drop the months that are over as a whole; the month of `limit` goes row by row."""
    if connection.vendor != "postgresql":
        return 0
    table = Reading._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid "
            "WHERE inhparent = %s::regclass AND relname < %s AND relname <> %s",
            [table, f"{table}_{limit:%Y_%m}", f"{table}_default"],
        )
        expired = [row[0] for row in cursor.fetchall()]
        for name in expired:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")
    return len(expired)


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
