"""The id token with which the app starts for its driver."""

import secrets

from accounts.locks import lock_user
from accounts.models import IdToken, User

# OCPP 1.6 has room for 20 characters and no case: 32 letters and digits, none mistaken for another.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
TOKEN_LENGTH = 20


def known_app_token(driver: User) -> IdToken | None:
    """The driver's token of the app, whatever it is worth; None until one was needed."""
    return IdToken.objects.filter(user=driver, type=IdToken.Type.APP).order_by("pk").first()


def app_token_of(driver: User) -> IdToken:
    """The same, made where there is none: 100 random bits that say nothing of the driver.

    In the caller's transaction, which holds the driver's lock from then on. A blocked token stays
    the driver's only one.
    """
    locked = lock_user(driver.pk)
    known = known_app_token(locked)
    if known is not None:
        known.user = locked
        return known
    token = "".join(secrets.choice(_ALPHABET) for _position in range(TOKEN_LENGTH))
    return IdToken.objects.create(token=token, type=IdToken.Type.APP, user=locked)
