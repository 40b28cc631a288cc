"""The secret part of a set-up link: in its one answer or mail, and nowhere else."""

import secrets
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts.models import StaffInvitation
from accounts.selectors.invitations import token_digest

TOKEN_BYTES = 32


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def replace_token(invitation_id: UUID, at: datetime) -> str | None:
    """Another token in place of the one before; None if the invitation opens nothing any more."""
    token = new_token()
    open_ones = StaffInvitation.objects.filter(
        pk=invitation_id, used_at=None, withdrawn_at=None, expires_at__gt=at
    )
    return token if open_ones.update(token_hash=token_digest(token)) else None


def set_up_url(token: str) -> str:
    """The link. Its token follows the `#`: browsers do not send that part, so no log has it."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('admin:set_up')}#{token}"
