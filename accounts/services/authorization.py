"""May the holder of this token charge?"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Value
from django.db.models.functions import Lower

from accounts.domain.states import Authorization, IdTokenStatus
from accounts.models import IdToken

TOKEN_LENGTH = 255


@dataclass(frozen=True, slots=True)
class AuthorizationResult:
    """`id_token` is None where the token is not known to this operator."""

    status: Authorization
    id_token: IdToken | None = None
    expires_at: datetime | None = None
    group: str = ""


_INVALID = AuthorizationResult(Authorization.INVALID)


def authorize(id_token: str, *, operator_id: int, at: datetime) -> AuthorizationResult:
    """Look the token up, without regard to case, in one query.

    Unknown, or of another operator: Invalid. Whether it is in use already is for the caller.
    """
    if not id_token or len(id_token) > TOKEN_LENGTH or "\x00" in id_token:
        return _INVALID
    found = (
        IdToken.objects.alias(folded=Lower("token"))
        .filter(folded=Lower(Value(id_token)))
        .select_related("user")
        .first()
    )
    if found is None or found.operator_id not in (None, operator_id):
        return _INVALID
    return AuthorizationResult(
        status=status_of(found, at), id_token=found, expires_at=found.expires_at, group=found.group
    )


def status_of(token: IdToken, at: datetime) -> Authorization:
    """What a known token is worth at a time; the caller has loaded its user."""
    if token.status != IdTokenStatus.ACCEPTED:
        return Authorization.BLOCKED
    if token.user is not None and not token.user.is_active:
        return Authorization.BLOCKED
    if token.expires_at is not None and token.expires_at <= at:
        return Authorization.EXPIRED
    return Authorization.ACCEPTED
