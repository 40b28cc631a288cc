"""A driver's cards. None can be added before payments are taken here."""

from uuid import UUID

from django.db import transaction

from accounts.locks import lock_user
from accounts.models import User
from csms.common import audit, clock
from csms.common.defaults import make_default
from payments.models import PaymentMethod
from payments.selectors import payment_methods


@transaction.atomic
def choose_default(driver: User, card_id: UUID) -> PaymentMethod:
    """`NotFound` if the card is not the driver's; twice is once."""
    lock_user(driver.pk)
    card = payment_methods.find(driver, card_id)
    if not card.is_default:
        make_default(payment_methods.visible_to(driver), card)
        audit.record(driver, "payment_method.set_default", card)
    return card


@transaction.atomic
def remove(driver: User, card_id: UUID) -> None:
    """Never pay with it again; the row stays for the payments that it made. No default is left."""
    lock_user(driver.pk)
    card = payment_methods.find(driver, card_id)
    card.is_default = False
    card.removed_at = clock.now()
    card.save(update_fields=["is_default", "removed_at"])
    audit.record(driver, "payment_method.remove", card)
