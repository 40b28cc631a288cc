"""Refresh tokens: a signed pointer to a sign-in and its generation. See docs/adr/0008-tokens.md."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from accounts.api.authentication import SIGN_IN_CLAIM, issue_access_token
from accounts.models import SignIn

GENERATION_CLAIM = "gen"


class RefreshToken(Token):
    token_type = "refresh"  # noqa: S105  (what kind of token it is)
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME


@dataclass(frozen=True, slots=True)
class Named:
    """What a refresh token names."""

    sign_in_id: UUID
    user_id: int
    generation: int


def issue_refresh_token(sign_in: SignIn) -> str:
    """For the sign-in's present generation; it ends with the sign-in, however often renewed."""
    token = RefreshToken()
    token[api_settings.USER_ID_CLAIM] = str(sign_in.user_id)
    token[SIGN_IN_CLAIM] = str(sign_in.pk)
    token[GENERATION_CLAIM] = sign_in.refresh_generation
    token["exp"] = int(sign_in.expires_at.timestamp())
    return str(token)


def read_refresh_token(raw: str) -> Named | None:
    """None for whatever is no refresh token of ours that is still valid."""
    try:
        token = RefreshToken(raw)  # type: ignore[arg-type]
        return Named(
            UUID(str(token[SIGN_IN_CLAIM])),
            int(token[api_settings.USER_ID_CLAIM]),
            int(token[GENERATION_CLAIM]),
        )
    except (TokenError, KeyError, ValueError, TypeError):
        return None


def token_pair(sign_in: SignIn, *, at: datetime) -> dict[str, Any]:
    """What a device gets: both tokens and until when they work."""
    access_until = min(at + api_settings.ACCESS_TOKEN_LIFETIME, sign_in.expires_at)
    return {
        "access": issue_access_token(sign_in),
        "refresh": issue_refresh_token(sign_in),
        "token_type": "Bearer",
        "expires_in": int((access_until - at).total_seconds()),
        "expires_at": access_until,
        "refresh_expires_at": sign_in.expires_at,
    }
