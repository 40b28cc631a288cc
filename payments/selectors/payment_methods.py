from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from accounts.selectors.scope import Caller
from csms.common.errors import NotFound
from payments.models import PaymentMethod


def visible_to(caller: Caller) -> QuerySet[PaymentMethod]:
    """A driver's own cards that were not removed."""
    if isinstance(caller, User) and caller.is_active:
        return PaymentMethod.objects.filter(driver=caller, removed_at__isnull=True)
    return PaymentMethod.objects.none()


def find(caller: Caller, card_id: UUID) -> PaymentMethod:
    found = visible_to(caller).filter(pk=card_id).first()
    if found is None:
        raise NotFound
    return found
