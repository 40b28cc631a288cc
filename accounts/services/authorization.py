"""May the holder of this token charge?"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.domain.states import Authorization, IdTokenStatus
from accounts.models import IdToken, User
from csms.common.rows import columns, fetch_all, instance, width

TOKEN_LENGTH = 255


@dataclass(frozen=True, slots=True)
class AuthorizationResult:
    """`id_token` is None where the token is not known to this operator."""

    status: Authorization
    id_token: IdToken | None = None
    expires_at: datetime | None = None
    group: str = ""


_INVALID = AuthorizationResult(Authorization.INVALID)
# Written out, because every session asks twice and building it costs more than running it.
_MATCHING = """
FROM accounts_idtoken AS token
LEFT JOIN accounts_user AS holder ON holder.id = token.user_id
WHERE LOWER(token.token) = LOWER(%s)
"""


def authorize(
    id_token: str, *, operator_id: int, at: datetime, is_to_stay: bool = False
) -> AuthorizationResult:
    """Look the token up, without regard to case, in one query.

    Unknown, or of another operator: Invalid. Whether it is in use already is for the caller.
    `is_to_stay`: until the transaction ends the token stays whose it is and worth what it is, so
    that nobody closes an account at the moment in which a session begins on it.
    """
    if not id_token or len(id_token) > TOKEN_LENGTH or "\x00" in id_token:
        return _INVALID
    found = _find(id_token, is_to_stay=is_to_stay)
    if found is None or found.operator_id not in (None, operator_id):
        return _INVALID
    return AuthorizationResult(
        status=status_of(found, at), id_token=found, expires_at=found.expires_at, group=found.group
    )


def _find(id_token: str, *, is_to_stay: bool) -> IdToken | None:
    """The token with its user."""
    what = f"{columns(IdToken, 'token')}, {columns(User, 'holder')}"
    # Shared: any number of sessions may begin with a card of a fleet. SQLite has one writer anyway.
    lock = "FOR SHARE OF token" if is_to_stay and connection.vendor == "postgresql" else ""
    rows = fetch_all(f"SELECT {what} {_MATCHING} {lock}", [id_token])
    if not rows:
        return None
    found = instance(IdToken, rows[0][: width(IdToken)])
    if found.user_id is not None:
        found.user = instance(User, rows[0][width(IdToken) :])
    return found


def status_of(token: IdToken, at: datetime) -> Authorization:
    """What a known token is worth at a time; the caller has loaded its user."""
    if token.status != IdTokenStatus.ACCEPTED:
        return Authorization.BLOCKED
    if token.user is not None and not token.user.is_active:
        return Authorization.BLOCKED
    if token.expires_at is not None and token.expires_at <= at:
        return Authorization.EXPIRED
    return Authorization.ACCEPTED
