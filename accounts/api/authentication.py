"""Who calls: an API key in `X-Api-Key`, or a person by a bearer token."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import ApiKey, SignIn, User
from accounts.selectors.sign_ins import open_sign_in
from accounts.services import keys
from csms.common import clock
from csms.common.api import CHALLENGE
from csms.common.api.addresses import client_address

SIGN_IN_CLAIM = "sid"


class ApiKeyAuthentication(BaseAuthentication):
    """The key stands as `request.user`; its scopes say what it may, its operator what it sees."""

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        raw = request.headers.get("X-Api-Key")
        if raw is None:
            return None
        key = keys.verify(raw, address=client_address(request._request))
        if key is None:
            raise AuthenticationFailed(_("The API key is not valid."), "key_not_valid")
        return key, key

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class JwtAuthentication(BaseAuthentication):
    """An access token of ours: HS256, audience, issuer, type, expiry, and a live sign-in."""

    def authenticate(self, request: Request) -> tuple[User, SignIn] | None:
        scheme, _space, raw = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        refusal = AuthenticationFailed(
            _("The token is not valid or has expired."), "token_not_valid"
        )
        try:
            token = AccessToken(raw.strip())  # type: ignore[arg-type]
            sign_in_id, user_id = UUID(str(token[SIGN_IN_CLAIM])), int(token["sub"])
        except (TokenError, KeyError, ValueError) as error:
            raise refusal from error
        sign_in = open_sign_in(sign_in_id, user_id=user_id, at=clock.now())
        if sign_in is None:
            raise refusal
        return sign_in.user, sign_in

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def issue_access_token(sign_in: SignIn) -> str:
    """A token that lives as long as `ACCESS_TOKEN_LIFETIME` and not longer than its sign-in."""
    token = AccessToken.for_user(sign_in.user)
    token[SIGN_IN_CLAIM] = str(sign_in.pk)
    token["exp"] = min(token["exp"], int(sign_in.expires_at.timestamp()))
    return str(token)
