"""Signing in and out over the API."""

from datetime import datetime
from typing import Protocol

from django.contrib.auth.models import update_last_login
from django.db import transaction

from accounts.domain.states import EndReason
from accounts.locks import lock_any_user
from accounts.models import SignIn, User
from accounts.services import verifications
from csms.common import audit
from csms.common.audit import Actor


class Reported(Protocol):
    """What a device says about itself."""

    @property
    def name(self) -> str: ...
    @property
    def user_agent(self) -> str: ...


@transaction.atomic
def sign_in(
    user: User,
    *,
    address: str,
    expires_at: datetime,
    at: datetime,
    reported: Reported | None = None,
) -> SignIn:
    """Open a sign-in whose tokens live until `expires_at` at most.

    With `reported` it has refresh tokens, which only drivers' devices get.
    """
    opened = SignIn.objects.create(
        user=user,
        password_mark=user.get_session_auth_hash(),
        remote_address=address[:64],
        device_name=reported.name[:100] if reported else "",
        user_agent=reported.user_agent[:300] if reported else "",
        refresh_generation=0 if reported else None,
        created_at=at,
        last_used_at=at,
        expires_at=expires_at,
    )
    update_last_login(User, user)
    audit.record(user, "sign_in", opened)
    return opened


@transaction.atomic
def sign_out(
    opened: SignIn,
    *,
    at: datetime,
    actor: Actor | None = None,
    reason: EndReason = EndReason.SIGNED_OUT,
) -> None:
    """Void the sign-in's tokens at once; a second call changes nothing.

    `actor`: who wants it, if not its user.
    """
    ended = SignIn.objects.filter(pk=opened.pk, revoked_at__isnull=True)
    if ended.update(revoked_at=at, end_reason=reason):
        audit.record(actor or opened.user, "sign_out", opened)


@transaction.atomic
def revoke_all(
    user: User, *, at: datetime, actor: Actor | None = None, keep: SignIn | None = None
) -> int:
    """Void the tokens of all sign-ins of `user` but `keep`; how many that were.

    What was asked for on one of them and waits for its code is void as well: whoever is signed out
    must not get at the account by it. `actor`: who wants it, if not the user.
    """
    lock_any_user(user.pk)
    verifications.close_all(user, at=at)
    open_ones = SignIn.objects.filter(user=user, revoked_at__isnull=True, expires_at__gt=at)
    if keep is not None:
        open_ones = open_ones.exclude(pk=keep.pk)
    count = open_ones.update(revoked_at=at, end_reason=EndReason.REVOKED)
    if count:
        audit.record(actor or user, "sign_in.revoke_all", user, changes={"count": count})
    return count
