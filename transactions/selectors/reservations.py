"""Reservations as their drivers see them."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from csms.common.errors import NotFound
from transactions.models import Reservation


def of_driver(driver: User) -> QuerySet[Reservation]:
    """Newest first, with what a list shows of them."""
    return (
        Reservation.objects.filter(driver=driver)
        .select_related("station__site__operator", "connector__evse", "session", "command")
        .order_by("-id")
    )


def find(driver: User, public_id: UUID) -> Reservation:
    found = of_driver(driver).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found
