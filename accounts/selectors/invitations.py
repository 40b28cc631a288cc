"""Which set-up links still open something."""

import hashlib
import re
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.domain.states import MessageKind
from accounts.models import AccountMessage, StaffInvitation, User
from accounts.selectors.staff import may_enter

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_of(token: str, at: datetime) -> StaffInvitation | None:
    """The invitation behind a link's token, unless it was used, withdrawn or has expired."""
    if not _TOKEN.fullmatch(token):
        return None
    return _usable(
        StaffInvitation.objects.select_related("user")
        .filter(token_hash=token_digest(token))
        .first(),
        at,
    )


def open_invitation(invitation_id: UUID, at: datetime) -> StaffInvitation | None:
    return _usable(
        StaffInvitation.objects.select_related("user").filter(pk=invitation_id).first(), at
    )


def unsent_link(user: User, at: datetime) -> AccountMessage | None:
    """The message with the person's set-up link while no mail server has taken it."""
    return AccountMessage.objects.filter(
        Q(send_before__gt=at) | Q(refused_at__isnull=False),
        kind=MessageKind.SET_UP_LINK,
        sent_at=None,
        invitation__user=user,
        invitation__used_at=None,
        invitation__withdrawn_at=None,
    ).first()


def _usable(invitation: StaffInvitation | None, at: datetime) -> StaffInvitation | None:
    if (
        invitation is None
        or invitation.used_at is not None
        or invitation.withdrawn_at is not None
        or invitation.expires_at <= at
        or not may_enter(invitation.user)
    ):
        return None
    return invitation
