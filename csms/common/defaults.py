"""One row of a person's is the default: vehicles, cards, tax invoice profiles."""

from typing import Any

from django.db.models import Model, QuerySet


def make_default(rows: QuerySet[Any], chosen: Model) -> None:
    """Let `chosen` be the only default among `rows`; the caller holds their owner's lock.

    The other one steps back first, so that a unique constraint on the default holds throughout.
    """
    rows.filter(is_default=True).exclude(pk=chosen.pk).update(is_default=False)
    rows.filter(pk=chosen.pk).update(is_default=True)
    chosen.is_default = True  # type: ignore[attr-defined]
