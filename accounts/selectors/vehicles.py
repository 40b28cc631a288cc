from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User, Vehicle
from accounts.selectors.scope import Caller
from csms.common.errors import NotFound


def visible_to(caller: Caller) -> QuerySet[Vehicle]:
    """A driver's own vehicles; nobody sees another's."""
    if isinstance(caller, User) and caller.is_active:
        return Vehicle.objects.filter(driver=caller)
    return Vehicle.objects.none()


def find(caller: Caller, vehicle_id: UUID) -> Vehicle:
    """`NotFound` also where the caller may not see it."""
    found = visible_to(caller).filter(pk=vehicle_id).first()
    if found is None:
        raise NotFound
    return found
