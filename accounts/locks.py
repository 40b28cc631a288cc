"""A person's row as the lock of what is the person's: vehicles, cards, exports, codes and so on.

The person comes first, then the address that a code was sent to, then the person's tokens and
codes. Whoever begins a session for a person holds the person or the token, since PostgreSQL looks
at references only when the transaction ends.
"""

from uuid import UUID

from django.db import connection

from accounts.models import IdToken, User
from csms.common.errors import NotFound

# Any numbers, as long as nobody else uses them.
_CODES = 0x434F4445
_ADDRESSES = 0x41444452


def lock_user(user_id: int) -> User:
    """The row, locked so that rows that refer to it can still be inserted.

    `NotFound` for an account that is closed or switched off: nothing is added to it any more.
    """
    user = lock_any_user(user_id)
    if not user.is_active or user.anonymised_at is not None:
        raise NotFound
    return user


def lock_any_user(user_id: int) -> User:
    """The same whatever has become of the account; `NotFound` where there never was one."""
    user = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    return user


def lock_user_of(verification_id: UUID) -> User | None:
    """Whoever the code is for, locked before the code is; None where it is for nobody yet."""
    return (
        User.objects.select_for_update(of=("self",), no_key=True)
        .filter(verifications=verification_id)
        .first()
    )


def lock_address(address_digest: str) -> None:
    """Held by whoever gives a person this address and then voids what else waits for a code there.

    Of two who do, each would wait for the other: for the address, which is unique, and for the
    code. A lock of the codes would not do, since one may be asked for meanwhile.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ADDRESSES, address_digest]
            )


def lock_address_of(verification_id: UUID) -> None:
    """`lock_address` for the address that the code was sent to, if there is such a code."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(address_digest))"
                " FROM accounts_verification WHERE id = %s",
                [_ADDRESSES, verification_id],
            )


def lock_tokens(user: User) -> list[IdToken]:
    """The person's tokens, locked: waits for sessions that are beginning with one of them."""
    tokens = IdToken.objects.select_for_update(of=("self",), no_key=True).filter(user=user)
    return list(tokens.order_by("pk"))


def lock_code_requests() -> None:
    """One request for a code at a time, until the transaction ends: the limits count rows.

    On SQLite every transaction that writes is alone already.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CODES])
