"""Whose rows a caller may see: the one rule that every selector asks."""

from typing import Literal

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts.domain.states import Role
from accounts.models import ApiKey, Operator, User

Caller = User | ApiKey | AnonymousUser
OperatorScope = Literal["all"] | set[int]


def operators_of(caller: Caller) -> OperatorScope:
    """The operators whose rows the caller works with; drivers and strangers have none.

    STAFF of an operator that was deactivated see nothing of it any more.
    """
    if isinstance(caller, ApiKey):
        return "all" if caller.operator_id is None else {caller.operator_id}
    if not isinstance(caller, User) or not caller.is_active:
        return set()
    if caller.role == Role.SUPERADMIN:
        return "all"
    if caller.role == Role.STAFF:
        return set(caller.operators.filter(is_active=True).values_list("pk", flat=True))
    return set()


def closed_operators_of(caller: Caller) -> QuerySet[Operator]:
    """Those that are closed and whose rows the caller would work with if they were not."""
    if isinstance(caller, User) and caller.is_active and caller.role == Role.STAFF:
        return caller.operators.filter(is_active=False)
    return Operator.objects.none()


def within_scope(caller: Caller, path: str) -> Q:
    """The condition that `path` (to an operator, e.g. `site__operator`) is the caller's."""
    scope = operators_of(caller)
    return Q() if scope == "all" else Q(**{f"{path}__in": scope})


def is_staff_like(caller: Caller) -> bool:
    """Staff and API keys work with operators' rows; everybody else sees what is public."""
    return isinstance(caller, ApiKey) or (
        isinstance(caller, User) and caller.is_active and caller.is_staff
    )
