"""One UPDATE for many rows with a value of their own each."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, models

_BATCH = 200


def update_each(
    model: type[models.Model],
    rows: Mapping[int, Mapping[str, Any]],
    *,
    later_only: Collection[str] = (),
) -> None:
    """Set the named fields of each row (by primary key); every row names the same fields.

    A field in `later_only` keeps its stored value where that is greater. Rows are locked in the
    order of their keys, so that two of these never wait for each other.
    """
    if not rows:
        return
    names = sorted(next(iter(rows.values())))
    if connection.vendor == "postgresql":
        _update_from_unnest(model, rows, names, frozenset(later_only))
    else:
        _update_by_model(model, rows, names, frozenset(later_only))


def _update_from_unnest(
    model: type[models.Model],
    rows: Mapping[int, Mapping[str, Any]],
    names: list[str],
    later_only: frozenset[str],
) -> None:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    keys = sorted(rows)
    arrays: list[list[Any]] = [
        [field.get_db_prep_save(rows[key][field.name], connection) for key in keys]
        for field in fields
    ]
    casts = ", ".join(f"%s::{_array_type(field)}" for field in fields)
    columns = ", ".join(quote(field.column) for field in fields)
    assignments = ", ".join(
        f"{quote(f.column)} = "
        + (
            f"GREATEST({table}.{quote(f.column)}, v.{quote(f.column)})"
            if f.name in later_only
            else f"v.{quote(f.column)}"
        )
        for f in fields
    )
    # Only names of our own models are put into the text; every value is a parameter.
    statement = (
        f"WITH locked AS (SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE) "  # noqa: S608
        f"UPDATE {table} SET {assignments} "
        f"FROM locked JOIN unnest(%s::bigint[], {casts}) AS v(id, {columns}) ON v.id = locked.id "
        f"WHERE {table}.id = locked.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [keys, keys, *arrays])


def _array_type(field: Any) -> str:
    return f"{field.db_type(connection).split('(')[0]}[]"


def _update_by_model(
    model: type[models.Model],
    rows: Mapping[int, Mapping[str, Any]],
    names: list[str],
    later_only: frozenset[str],
) -> None:
    stored = list(model._default_manager.filter(pk__in=list(rows)).only("pk", *names))
    for instance in stored:
        for name, value in rows[instance.pk].items():
            current = getattr(instance, name)
            if name in later_only and current is not None and current > value:
                continue
            setattr(instance, name, value)
    model._default_manager.bulk_update(stored, names, batch_size=_BATCH)
