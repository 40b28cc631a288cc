from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from accounts.selectors.scope import Caller
from csms.common.errors import NotFound
from notifications.models import PushDevice


def visible_to(caller: Caller) -> QuerySet[PushDevice]:
    """A person's own devices."""
    if isinstance(caller, User) and caller.is_active:
        return PushDevice.objects.filter(user=caller)
    return PushDevice.objects.none()


def find(caller: Caller, device_id: UUID) -> PushDevice:
    found = visible_to(caller).filter(pk=device_id).first()
    if found is None:
        raise NotFound
    return found
