"""Tables that PostgreSQL partitions by month; plain tables elsewhere."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

import structlog
from django.db import OperationalError, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from csms.common.clock import now

logger = structlog.get_logger(__name__)
MONTHS_AHEAD = 12
# Making and dropping a partition locks the whole table, and while that waits for a long read, every
# writer waits behind it.
LOCK_TIMEOUT = "2s"


def month_starts(first: date, count: int) -> list[date]:
    """`count` first days of months from the month of `first` on."""
    months = first.year * 12 + first.month - 1
    return [date((months + i) // 12, (months + i) % 12 + 1, 1) for i in range(count)]


def create_partitions(connection: Any, table: str, first: date, count: int = MONTHS_AHEAD) -> None:
    """Make sure that the monthly partitions of `table` from `first` on exist (PostgreSQL only)."""
    if connection.vendor != "postgresql":
        return
    bounds = month_starts(first, count + 1)
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        for start, end in pairwise(bounds):
            name = f"{table}_{start:%Y_%m}"
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {quote(name)} PARTITION OF {quote(table)} "
                f"FOR VALUES FROM ('{start:%Y-%m-%d}T00:00:00Z') TO ('{end:%Y-%m-%d}T00:00:00Z')"
            )


def keep_partitions(connection: Any, table: str, first: date) -> None:
    """`create_partitions` beside those who read and write `table`, whom it must not hold up.

    Raises OperationalError where somebody reads the whole table; the next run has months to go.
    """
    if connection.vendor != "postgresql":
        return
    with transaction.atomic(using=connection.alias):
        _limit_lock_waits(connection)
        create_partitions(connection, table, first)


class Dropped(NamedTuple):
    """How many partitions, and whether none is left that should have been."""

    partitions: int
    is_all: bool


def drop_partitions(connection: Any, table: str, limit: date) -> Dropped:
    """Drop the partitions of the months before that of `limit`.

    While somebody reads the table the rest stays for the next run; to delete its rows one by one
    instead would cost far more. Nothing to drop where there are no partitions.
    """
    if connection.vendor != "postgresql":
        return Dropped(0, is_all=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid "
            "WHERE inhparent = %s::regclass AND relname < %s AND relname <> %s ORDER BY relname",
            [table, f"{table}_{limit:%Y_%m}", f"{table}_default"],
        )
        expired = [row[0] for row in cursor.fetchall()]
    count = sum(1 for _name in takewhile(partial(_drop, connection), expired))
    return Dropped(count, is_all=count == len(expired))


def _drop(connection: Any, name: str) -> bool:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            _limit_lock_waits(connection)
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")
    except OperationalError as error:
        logger.warning("partition_not_dropped_yet", partition=name, error=str(error))
        return False
    return True


def _limit_lock_waits(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])


class CreatePartitionedModel(migrations.CreateModel):
    """`CreateModel` whose table is RANGE-partitioned by `partition_key` on PostgreSQL.

    There the primary key becomes (id, `partition_key`), as PostgreSQL demands; to Django it stays
    `id`. A default partition takes what no month covers, so that an insert never fails for want
    of one.
    """

    def __init__(self, *, partition_key: str, **kwargs: Any) -> None:
        self.partition_key = partition_key
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, args, {**kwargs, "partition_key": self.partition_key}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        if schema_editor.connection.vendor != "postgresql":
            return
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        for statement in (
            f"ALTER TABLE {table} RENAME TO {table}_template",
            f"CREATE TABLE {table} (LIKE {table}_template INCLUDING DEFAULTS "
            f"INCLUDING CONSTRAINTS) PARTITION BY RANGE ({self.partition_key})",
            f"DROP TABLE {table}_template",
            f"ALTER TABLE {table} ADD PRIMARY KEY (id, {self.partition_key})",
            f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT",
        ):
            schema_editor.execute(statement, params=None)
        create_partitions(schema_editor.connection, table, now().date())
