from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare

from accounts.models import SignIn, User


def open_sign_in(sign_in_id: UUID, *, user_id: int, at: datetime) -> SignIn | None:
    """The sign-in with its user, unless it ended, the user was closed or has a new password.

    One that a driver opened with the password alone is none for a member of staff: who becomes one
    has to sign in anew, with the second factor.
    """
    sign_in = (
        SignIn.objects.select_related("user")
        .filter(pk=sign_in_id, user_id=user_id, revoked_at__isnull=True, expires_at__gt=at)
        .first()
    )
    return sign_in if sign_in is not None and _is_still_theirs(sign_in) else None


def open_sign_ins(sign_in_ids: Collection[UUID], at: datetime) -> dict[UUID, SignIn]:
    """Those of the sign-ins that `open_sign_in` would find, in one query."""
    found = SignIn.objects.select_related("user").filter(
        pk__in=sign_in_ids, revoked_at__isnull=True, expires_at__gt=at
    )
    return {sign_in.pk: sign_in for sign_in in found if _is_still_theirs(sign_in)}


def _is_still_theirs(sign_in: SignIn) -> bool:
    user = sign_in.user
    if not user.is_active or (user.is_staff and sign_in.refresh_generation is not None):
        return False
    return constant_time_compare(sign_in.password_mark, user.get_session_auth_hash())


def devices_of(user: User, *, at: datetime) -> QuerySet[SignIn]:
    """Where the person is signed in, the last used first."""
    return SignIn.objects.filter(user=user, revoked_at__isnull=True, expires_at__gt=at).order_by(
        "-last_used_at", "-pk"
    )
