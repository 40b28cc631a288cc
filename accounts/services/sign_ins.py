"""Signing in and out over the API."""

from datetime import datetime, timedelta

from django.contrib.auth.models import update_last_login
from django.db import transaction

from accounts.models import SignIn, User
from csms.common import audit

# Long enough to answer "who was signed in when"; then the rows go.
KEPT_FOR = timedelta(days=90)


@transaction.atomic
def sign_in(user: User, *, address: str, expires_at: datetime, at: datetime) -> SignIn:
    """Open a sign-in whose tokens live until `expires_at` at most."""
    SignIn.objects.filter(user=user, expires_at__lt=at - KEPT_FOR).delete()
    opened = SignIn.objects.create(
        user=user,
        password_mark=user.get_session_auth_hash(),
        remote_address=address[:64],
        created_at=at,
        expires_at=expires_at,
    )
    update_last_login(User, user)
    audit.record(user, "sign_in", opened)
    return opened


@transaction.atomic
def sign_out(opened: SignIn, *, at: datetime) -> None:
    """Void the sign-in's tokens at once; a second call changes nothing."""
    if SignIn.objects.filter(pk=opened.pk, revoked_at__isnull=True).update(revoked_at=at):
        audit.record(opened.user, "sign_out", opened)
