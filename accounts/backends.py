from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from accounts.domain.contacts import Channel, Contact
from accounts.domain.passwords import normalized
from accounts.domain.states import Purpose
from accounts.models import User, Verification
from accounts.models.verifications import contact_digest
from csms.common import clock

_PHONE = "phone:"


def username_of(contact: Contact) -> str:
    """What a person signs in with and failures are counted by; a number as its keyed hash."""
    return f"{_PHONE}{contact_digest(contact)}" if contact.channel is Channel.SMS else contact.value


class EmailBackend(BaseBackend):
    """Signs in by e-mail or phone and password; takes the same time for unknown ones.

    A person who has registered and not entered the code is no user yet. Who gives the password of
    such a registration is noted as `unverified` on the request, for the answer to say so.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        name = username or kwargs.get(User.USERNAME_FIELD)
        if not name or password is None:
            return None
        user = _find(name)
        if user is None:
            if _is_unverified(name, password) and request is not None:
                request.unverified = True  # type: ignore[attr-defined]
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


def _find(name: str) -> User | None:
    if name.startswith(_PHONE):
        return User.objects.filter(phone_digest=name.removeprefix(_PHONE)).first()
    return User.objects.filter(email=name.lower()).first()


def _is_unverified(name: str, password: str) -> bool:
    """Whether this is the password of the newest registration that waits for its code."""
    digest = (
        name.removeprefix(_PHONE)
        if name.startswith(_PHONE)
        else contact_digest(Contact(Channel.EMAIL, name.lower()))
    )
    waiting = (
        Verification.objects.filter(
            address_digest=digest,
            purpose=Purpose.REGISTER,
            closed_at=None,
            requested_at__gt=clock.now() - timedelta(days=1),
        )
        .order_by("-requested_at")
        .first()
    )
    plain = normalized(password)
    is_right = waiting is not None and check_password(plain, waiting.password_hash)
    if waiting is None:
        make_password(plain)
    if not is_right and plain != password:
        # A known person's password is compared as it was typed as well.
        make_password(password)
    return is_right


def attempted_username(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """What failed sign-ins are counted by: the address in one spelling; no other escapes."""
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(given).strip().lower()[:255]
