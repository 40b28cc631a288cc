"""Indexes that PostgreSQL builds while the table is written to; elsewhere as Django builds them.

For migrations with `atomic = False` of tables that have rows by the time they run. Not for the
tables that are partitioned (readings, message archive): PostgreSQL builds no index of a partitioned
table concurrently; theirs are made with the table, or partition by partition and then attached.
"""

from typing import Any, cast

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class AddIndexConcurrently(migrations.AddIndex):
    """`AddIndex`; run again after it was interrupted, it begins anew."""

    atomic = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        if not _is_concurrent(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        build(schema_editor, self.index.name, str(self.index.create_sql(model, schema_editor)))


class AddPartialUniqueConcurrently(migrations.AddConstraint):
    """`AddConstraint` of a `UniqueConstraint` with a condition: to the database it is an index."""

    atomic = False

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        if not _is_concurrent(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        constraint = cast(models.UniqueConstraint, self.constraint)
        build(schema_editor, constraint.name, str(constraint.create_sql(model, schema_editor)))


def _is_concurrent(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    return schema_editor.connection.vendor == "postgresql"


def build(schema_editor: BaseDatabaseSchemaEditor, name: str, create_sql: str) -> None:
    """Run `CREATE [UNIQUE] INDEX` concurrently unless the index is there.

    A build that failed or was interrupted leaves an index that is not valid: it is made anew.
    """
    begin, index, rest = create_sql.partition(" INDEX ")
    if begin not in ("CREATE", "CREATE UNIQUE"):
        raise ValueError(f"No index is created by {create_sql}")
    if not schema_editor.collect_sql:
        is_valid = _validity(schema_editor, name)
        if is_valid:
            return
        if is_valid is False:
            quoted = schema_editor.quote_name(name)
            schema_editor.execute(f"DROP INDEX CONCURRENTLY {quoted}", params=None)
    schema_editor.execute(f"{begin}{index}CONCURRENTLY {rest}", params=None)


def _validity(schema_editor: BaseDatabaseSchemaEditor, name: str) -> bool | None:
    """None if there is no such index."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [schema_editor.quote_name(name)],
        )
        row = cursor.fetchone()
    return None if row is None else bool(row[0])
