"""What each app holds about a person: how it is shown, erased, kept, and for how long.

The law asks for all of it at once (PDPA: access s.30, portability s.31, erasure s.33), but no app
knows the ones above it. So each app describes its own rows, `csms.personal_data` puts the
descriptions together, and `accounts` carries out what a person asks for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Model, QuerySet

from csms.common.masking import mask_id_token

Row = dict[str, Any]
_READ_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class Export:
    """One kind of data as it leaves: `kind` names its files, `models` the tables it covers.

    `rows` gives flat objects for a user's id; all of one kind have the same keys.
    """

    kind: str
    title_th: str
    title_en: str
    models: tuple[str, ...]
    rows: Callable[[int], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Erasure:
    """Removes or anonymises one kind; runs inside the transaction that closes the account.

    `erase` takes the user's row, as it still is, and the time; it returns how many rows it changed.
    """

    kind: str
    erase: Callable[[Any, datetime], int]


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays after an erasure: `ground` names the law, `until` the day it goes at the latest.

    `count` None: the rows are not told apart by person. `until` None: it goes with something else.
    """

    kind: str
    count: int | None
    ground: str
    reason_th: str
    reason_en: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an account cannot be closed yet; `detail` says what to do, translated when shown."""

    code: str
    detail: str
    count: int


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long one kind is kept after it ended.

    `setting` names the number of days in the settings; `apply` deletes or anonymises at most
    `batch` rows that ended before the given time and returns how many: 0 when nothing is left.
    """

    kind: str
    setting: str
    ground: str
    apply: Callable[[datetime, int], int]


@dataclass(frozen=True, slots=True)
class PersonalData:
    """All that one app has to say. Erasures run in the order in which they stand."""

    exports: Sequence[Export] = ()
    erasures: Sequence[Erasure] = ()
    kept: Sequence[Callable[[int, datetime], Kept]] = ()
    obstacles: Sequence[Callable[[int, datetime], Iterable[Obstacle]]] = ()
    retention: Sequence[RetentionRule] = ()
    # A table that points at people and is not exported: its label, and why.
    not_exported: dict[str, str] = field(default_factory=dict)


_registered: list[PersonalData] = []


def register(described: PersonalData) -> None:
    if described not in _registered:
        _registered.append(described)


def registered() -> tuple[PersonalData, ...]:
    """In the order of the apps: those that point at others' rows first."""
    return tuple(_registered)


def exports() -> list[Export]:
    """What all apps show of a person, the account itself first."""
    return [export for app in reversed(_registered) for export in app.exports]


def retention_rules() -> dict[str, RetentionRule]:
    return {rule.kind: rule for app in _registered for rule in app.retention}


# --- For the descriptions -----------------------------------------------------------------------
def rows_of(
    model: type[Model], owner: str, *names: str, **renamed: str
) -> Callable[[int], Iterable[Row]]:
    """Rows whose `owner` is the user: the named columns, and `renamed` ones by their paths."""

    def rows(user_id: int) -> Iterable[Row]:
        found = model._default_manager.filter(**{owner: user_id}).order_by("pk")
        columns = {alias: F(path) for alias, path in renamed.items()}
        return found.values(*names, **columns).iterator(_READ_AT_A_TIME)

    return rows


def masked_tokens(rows: Callable[[int], Iterable[Row]]) -> Callable[[int], Iterable[Row]]:
    """`rows` whose `masked_token` holds the whole number, with what may be seen of it."""

    def masked(user_id: int) -> Iterable[Row]:
        for row in rows(user_id):
            yield {**row, "masked_token": mask_id_token(row["masked_token"])}

    return masked


def delete_batch(rows: QuerySet[Any], size: int) -> int:
    """Delete at most `size` of `rows` in a transaction; how many of them went."""
    with transaction.atomic():
        keys = list(rows.order_by().values_list("pk", flat=True)[:size])
        if keys:
            rows.model._default_manager.filter(pk__in=keys).delete()
    return len(keys)
