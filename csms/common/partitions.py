"""Tables that PostgreSQL partitions by month; plain tables elsewhere."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from csms.common.clock import now

MONTHS_AHEAD = 12


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
