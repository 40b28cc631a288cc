"""Rows read and written by text that is built once: for the few statements that run all the time.

Django builds a query anew at every call, which costs several times what the database needs to run
it. The columns and what their values mean are still the model's; signals are not sent.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

ModelType = TypeVar("ModelType", bound=models.Model)
# For each column the functions that make the database's value Python's; most columns need none.
Converters = tuple[tuple[int, Any, tuple[Callable[..., Any], ...]], ...]
Names = tuple[str, ...]
# A connection belongs to a thread, and some of these functions to a connection.
_converters: WeakKeyDictionary[
    BaseDatabaseWrapper, dict[tuple[type[models.Model], Names], Converters]
] = WeakKeyDictionary()


def fetch_all(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows as the driver gives them."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def execute(statement: str, parameters: Sequence[Any]) -> int:
    """Run a statement that returns no rows; how many it changed."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement, parameters)
        changed: int = cursor.rowcount
        return changed


def moment(at: datetime) -> Any:
    """A time as a parameter of `fetch_all` and `execute`: not every driver takes one as it is."""
    return connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(at)


# --- Reading ------------------------------------------------------------------------------------


@cache
def columns(model: type[models.Model], alias: str, names: Names = ()) -> str:
    """The named columns of `model`, all if none is named, for a SELECT."""
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    return ", ".join(f"{quote(alias)}.{quote(field.column)}" for field in _fields(model, names))


@cache
def width(model: type[models.Model]) -> int:
    """How many `columns` there are."""
    return len(_fields(model))


@cache
def _fields(model: type[models.Model], names: Names = ()) -> tuple[Any, ...]:
    if not names:
        return tuple(model._meta.concrete_fields)
    return tuple(model._meta.get_field(name) for name in names)


@cache
def _attributes(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in _fields(model))


def instance(model: type[ModelType], row: Sequence[Any]) -> ModelType:
    """The object of a row that holds exactly `columns(model, …)`."""
    return model.from_db(DEFAULT_DB_ALIAS, _attributes(model), values(model, (), row))


def values(model: type[models.Model], names: Names, row: Sequence[Any]) -> list[Any]:
    """The values of a row that holds exactly `columns(model, …, names)`, as the model has them."""
    connection = connections[DEFAULT_DB_ALIAS]
    converted = list(row)
    for index, expression, functions in _converters_of(model, names, connection):
        for function in functions:
            converted[index] = function(converted[index], expression, connection)
    return converted


def _converters_of(
    model: type[models.Model], names: Names, connection: BaseDatabaseWrapper
) -> Converters:
    known = _converters.setdefault(connection, {})
    key = model, names
    if key not in known:
        found = []
        for index, field in enumerate(_fields(model, names)):
            expression = field.get_col(model._meta.db_table)
            functions = (
                *connection.ops.get_db_converters(expression),
                *field.get_db_converters(connection),
            )
            if functions:
                found.append((index, expression, functions))
        known[key] = tuple(found)
    return known[key]


# --- Writing ------------------------------------------------------------------------------------


def insert(instances: Sequence[models.Model]) -> None:
    """Store new objects of one model, and set the primary keys that the database gives them."""
    if not instances:
        return
    connection = connections[DEFAULT_DB_ALIAS]
    model = type(instances[0])
    fields = _insertable(model)
    parameters = [
        field.get_db_prep_save(field.pre_save(new, True), connection)
        for new in instances
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(_insertion(model, len(instances)), parameters)
        keys = cursor.fetchall()
    for new, key in zip(instances, keys, strict=True):
        if new.pk is None:
            new.pk = key[0]
        new._state.adding = False
        new._state.db = DEFAULT_DB_ALIAS


@cache
def _insertable(model: type[models.Model]) -> tuple[Any, ...]:
    """All columns but a primary key that the database counts."""
    return tuple(f for f in model._meta.concrete_fields if f is not model._meta.auto_field)


@cache
def _insertion(model: type[models.Model], count: int) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    fields = _insertable(model)
    names = ", ".join(quote(field.column) for field in fields)
    row = "(" + ", ".join(["%s"] * len(fields)) + ")"
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES "  # noqa: S608
        f"{', '.join([row] * count)} RETURNING {quote(_key_column(model))}"
    )


def _key_column(model: type[models.Model]) -> str:
    name = model._meta.pk.column
    if name is None:
        raise TypeError(f"{model.__name__} has no column for its primary key.")
    return name


def update(changed: models.Model, names: Names) -> None:
    """Store the named fields of an object; `DatabaseError` if its row is gone."""
    connection = connections[DEFAULT_DB_ALIAS]
    model = type(changed)
    fields = _fields(model, names)
    parameters = [
        field.get_db_prep_save(field.pre_save(changed, False), connection) for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(_assignment(model, names), [*parameters, changed.pk])
        if cursor.rowcount != 1:
            raise DatabaseError(f"{model.__name__} {changed.pk} is gone.")


@cache
def _assignment(model: type[models.Model], names: Names) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    assignments = ", ".join(f"{quote(field.column)} = %s" for field in _fields(model, names))
    key = quote(_key_column(model))
    return f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {key} = %s"  # noqa: S608
