from datetime import datetime
from uuid import UUID

from django.utils.crypto import constant_time_compare

from accounts.models import SignIn


def open_sign_in(sign_in_id: UUID, *, user_id: int, at: datetime) -> SignIn | None:
    """The sign-in with its user, unless it ended, the user was closed or has a new password."""
    sign_in = (
        SignIn.objects.select_related("user")
        .filter(pk=sign_in_id, user_id=user_id, revoked_at__isnull=True, expires_at__gt=at)
        .first()
    )
    if sign_in is None or not sign_in.user.is_active:
        return None
    if not constant_time_compare(sign_in.password_mark, sign_in.user.get_session_auth_hash()):
        return None
    return sign_in
