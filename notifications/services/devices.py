"""Phones and browsers that may be sent pushes. Nothing is sent from here."""

from uuid import UUID

from django.db import transaction

from accounts.locks import lock_user
from accounts.models import User
from csms.common import clock
from csms.common.fields import search_digest
from notifications.models import PushDevice
from notifications.selectors import devices

MOST_DEVICES = 20


def token_digest(token: str) -> str:
    return search_digest("push token", token)


@transaction.atomic
def register(user: User, *, platform: str, token: str, name: str, app_version: str) -> PushDevice:
    """The device of this token, which is `user`'s from now on, whoever had it before.

    Of more than 20 the one that was registered longest ago goes.
    """
    lock_user(user.pk)
    now = clock.now()
    device, _is_new = PushDevice.objects.update_or_create(
        token_digest=token_digest(token),
        defaults={
            "user": user,
            "platform": platform,
            "token": token,
            "name": name,
            "app_version": app_version,
            "last_registered_at": now,
        },
        create_defaults={
            "user": user,
            "platform": platform,
            "token": token,
            "name": name,
            "app_version": app_version,
            "created_at": now,
            "last_registered_at": now,
        },
    )
    own = devices.visible_to(user).order_by("-last_registered_at", "-id")
    PushDevice.objects.filter(pk__in=list(own.values_list("pk", flat=True)[MOST_DEVICES:])).delete()
    return device


def remove(user: User, device_id: UUID) -> None:
    """`NotFound` if it is not the user's."""
    devices.find(user, device_id).delete()
