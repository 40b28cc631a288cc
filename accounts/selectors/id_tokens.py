from django.db.models import QuerySet

from accounts.models import IdToken, User
from accounts.selectors.scope import Caller
from csms.common.errors import NotFound


def of_driver(caller: Caller) -> QuerySet[IdToken]:
    """The cards and other tokens that are the driver's; staff work with them in the console."""
    if isinstance(caller, User) and caller.is_active:
        return IdToken.objects.filter(user=caller).select_related("operator").order_by("pk")
    return IdToken.objects.none()


def find_own(caller: Caller, token_id: int) -> IdToken:
    """`NotFound` also where it is somebody else's."""
    found = of_driver(caller).filter(pk=token_id).first()
    if found is None:
        raise NotFound
    return found
