"""Whose rows somebody may see, as a value that feeds are shared by."""

from typing import Literal, TypeVar

from django.db.models import Model, QuerySet

from accounts.selectors.scope import Caller, operators_of, within_scope

Audience = Literal["all"] | frozenset[int]
Row = TypeVar("Row", bound=Model)


def audience_for(caller: Caller) -> Audience:
    operators = operators_of(caller)
    return "all" if operators == "all" else frozenset(operators)


def in_scope(queryset: QuerySet[Row], caller: Caller, path: str) -> QuerySet[Row]:
    """`queryset` cut down to the caller's operators; `path` leads from a row to its operator."""
    return queryset.filter(within_scope(caller, path))
