"""One UPDATE for many rows with a value of their own each."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, models


def update_each(
    model: type[models.Model],
    rows: Mapping[int, Mapping[str, Any]],
    *,
    later_only: Collection[str] = (),
    skips_locked: bool = False,
) -> set[int]:
    """Set the named fields of each row (by primary key); every row names the same fields.
    A reference is named by its column (`site_id`). Returns the keys of the rows that were written.

    A field in `later_only` keeps its stored value where that is greater. Rows are locked in the
    order of their keys, so that two of these never wait for each other; `skips_locked` leaves out
    what somebody else has locked (PostgreSQL). `bulk_update` would do, were its CASE for every
    field and row not many times slower.
    """
    if not rows:
        return set()
    names = sorted(next(iter(rows.values())))
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    keys = sorted(rows)
    columns = [
        [field.get_db_prep_save(rows[key][name], connection) for key in keys]
        for name, field in zip(names, fields, strict=True)
    ]
    if connection.vendor == "postgresql":
        return _update_from_unnest(
            model, fields, keys, columns, frozenset(later_only), skips_locked
        )
    _update_one_by_one(model, fields, keys, columns, frozenset(later_only))
    return set(keys)


# Only names of our own models are put into the statements; every value is a parameter.


def _update_from_unnest(
    model: type[models.Model],
    fields: list[Any],
    keys: list[int],
    columns: list[list[Any]],
    later_only: frozenset[str],
    skips_locked: bool,
) -> set[int]:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    casts = ", ".join(f"%s::{field.db_type(connection).split('(')[0]}[]" for field in fields)
    names = ", ".join(quote(field.column) for field in fields)
    assignments = []
    for field in fields:
        name = quote(field.column)
        # PostgreSQL's GREATEST leaves NULL out.
        value = f"GREATEST({table}.{name}, v.{name})" if field.name in later_only else f"v.{name}"
        assignments.append(f"{name} = {value}")
    lock = "FOR NO KEY UPDATE SKIP LOCKED" if skips_locked else "FOR NO KEY UPDATE"
    statement = (
        f"WITH locked AS (SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id {lock}) "  # noqa: S608
        f"UPDATE {table} SET {', '.join(assignments)} "
        f"FROM locked JOIN unnest(%s::bigint[], {casts}) AS v(id, {names}) ON v.id = locked.id "
        f"WHERE {table}.id = locked.id RETURNING {table}.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [keys, keys, *columns])
        return {key for (key,) in cursor.fetchall()}


def _update_one_by_one(
    model: type[models.Model],
    fields: list[Any],
    keys: list[int],
    columns: list[list[Any]],
    later_only: frozenset[str],
) -> None:
    """One prepared statement, run for each row: what SQLite does best."""
    quote = connection.ops.quote_name
    assignments = []
    parameters: list[list[Any]] = []
    for field, values in zip(fields, columns, strict=True):
        name = quote(field.column)
        if field.name in later_only:
            assignments.append(f"{name} = MAX(COALESCE({name}, %s), %s)")
            parameters.append(values)
        else:
            assignments.append(f"{name} = %s")
        parameters.append(values)
    statement = f"UPDATE {quote(model._meta.db_table)} SET {', '.join(assignments)} WHERE id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(zip(*parameters, keys, strict=True)))
