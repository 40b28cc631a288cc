"""Operators, and what becomes of their staff when one is closed."""

from django.db import transaction

from accounts.models import Operator
from accounts.selectors.staff import staff_only_of
from accounts.services.staff import close_access
from csms.common import audit
from csms.common.audit import Actor


@transaction.atomic
def set_active(operator: Operator, is_active: bool, *, actor: Actor, reason: str = "") -> bool:
    """Open or close an operator; STAFF who work for no other are signed out at once.

    Its API keys open nothing while it is closed. False, and no change, if it was so already.
    """
    locked = Operator.objects.select_for_update(of=("self",), no_key=True).get(pk=operator.pk)
    if locked.is_active == is_active:
        return False
    locked.is_active = is_active
    locked.save(update_fields=["is_active", "updated_at"])
    audit.record(
        actor, "operator.activate" if is_active else "operator.deactivate", locked, reason=reason
    )
    if not is_active:
        for member in staff_only_of(locked):
            close_access(member, actor=actor)
    operator.is_active = is_active
    return True
