"""How a driver and what belongs to them is shown."""

from datetime import datetime
from typing import Any

from accounts.api.personal_representation import consent
from accounts.api.tokens import token_pair
from accounts.models import ExternalIdentity, SignIn, User, Verification
from accounts.selectors import consents
from accounts.services import code_limits


def profile_of(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "phone": user.phone or None,
        "email_verified": user.email_verified_at is not None,
        "phone_verified": user.phone_verified_at is not None,
        "display_name": user.display_name,
        "language": user.language,
        "has_password": user.has_usable_password(),
        "created_at": user.date_joined,
    }


def own_profile(user: User) -> dict[str, Any]:
    return {**profile_of(user), "consents": [consent(row) for row in consents.current(user)]}


def signed_in(opened: SignIn, *, at: datetime) -> dict[str, Any]:
    return {**token_pair(opened, at=at), "user": profile_of(opened.user)}


def verification_of(asked: Verification) -> dict[str, Any]:
    """The same whether a code is on its way or not."""
    return {
        "verification_id": asked.pk,
        "channel": asked.channel,
        "sent_to": asked.contact.hint,
        "expires_at": asked.expires_at,
        "resend_after_seconds": code_limits.seconds_between(),
    }


def device_of(opened: SignIn, current: object) -> dict[str, Any]:
    return {
        "id": opened.pk,
        "device_name": opened.device_name,
        "user_agent": opened.user_agent,
        "address": opened.remote_address,
        "created_at": opened.created_at,
        "last_used_at": opened.last_used_at or opened.created_at,
        "expires_at": opened.expires_at,
        "is_current": isinstance(current, SignIn) and current.pk == opened.pk,
    }


def identity_of(identity: ExternalIdentity) -> dict[str, Any]:
    return {
        "id": identity.pk,
        "provider": identity.provider,
        "created_at": identity.created_at,
        "last_used_at": identity.last_used_at,
    }
