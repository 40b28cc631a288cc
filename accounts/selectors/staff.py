"""Who works for an operator, and who may come in."""

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from accounts.domain.states import Role
from accounts.models import Operator, User


def staff_who_may(permission: str, operator_id: int) -> list[User]:
    """The operator's active staff who hold `permission`; the superadmins where there are none.

    Who was invited and has not set a password yet is left out: the address is not proven.
    """
    active = (
        User.objects.filter(is_active=True, email__isnull=False)
        .exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        .order_by("pk")
    )
    staff = active.filter(operators=operator_id, role__in=[Role.STAFF, Role.SUPERADMIN])
    found = [user for user in staff if user.has_perm(permission)]
    return found or list(active.filter(role=Role.SUPERADMIN))


def may_enter(user: User) -> bool:
    """Whether somebody may sign in as staff: active, of a staff role, for an active operator."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or user.operators.filter(is_active=True).exists()


def is_last_superadmin(user: User) -> bool:
    """Whether nobody would be left to give access if this person lost theirs."""
    if not (user.is_active and user.is_superuser):
        return False
    others = User.objects.filter(is_active=True, role=Role.SUPERADMIN).exclude(pk=user.pk)
    return not others.exists()


def staff_only_of(operator: Operator) -> list[User]:
    """STAFF who work for no other active operator."""
    return list(
        User.objects.filter(role=Role.STAFF, operators=operator).exclude(
            pk__in=User.objects.filter(
                operators__in=Operator.objects.filter(is_active=True).exclude(pk=operator.pk)
            ).values("pk")
        )
    )
