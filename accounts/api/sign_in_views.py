"""Drivers sign in, renew their tokens, and sign out."""

from typing import ClassVar

import structlog
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import driver_examples as examples
from accounts.api.credentials import contact_of, device_of, note_attempt, verified_driver
from accounts.api.driver_serializers import (
    LoginSerializer,
    LogoutSerializer,
    OidcSerializer,
    RefreshSerializer,
    SignedInSerializer,
    TokenPairSerializer,
)
from accounts.api.login_throttle import LoginThrottle
from accounts.api.representation import signed_in
from accounts.api.tokens import read_refresh_token, token_pair
from accounts.domain.access import LoginChannel, LoginOutcome
from accounts.models import SignIn, User
from accounts.selectors.sign_ins import open_sign_in
from accounts.services import refresh_families, sign_ins
from accounts.services.oidc import signing_in
from accounts.services.oidc.assertions import AssertionRefused
from accounts.services.oidc.provider import provider_named
from accounts.services.verifications import language_of
from csms.common import clock
from csms.common.api.addresses import client_address
from csms.common.api.examples import answered, sent
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView
from csms.common.errors import Conflict

logger = structlog.get_logger(__name__)


class LoginView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()
    throttle_classes = (LoginThrottle,)
    problem_statuses: ClassVar = {"POST": (401, 403)}

    @extend_schema(
        operation_id="auth_login",
        summary="Sign in as a driver",
        description="By e-mail or phone, whichever is confirmed. Five failures lock the account, "
        "and a hundred from one client network lock that out for 15 minutes (429). 403 "
        "`not_verified`: the password is right, the address is not confirmed yet.",
        tags=["auth"],
        request=LoginSerializer,
        responses={200: SignedInSerializer},
        examples=[
            sent({"email": "somchai@example.com", "password": examples.PASSWORD}),
            answered(examples.SIGNED_IN),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(LoginSerializer, request.data)
        user = verified_driver(request._request, contact_of(given), given["password"])
        now = clock.now()
        opened = refresh_families.open_family(user, device_of(request, given), at=now)
        return Response(signed_in(opened, at=now))


class RefreshView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()
    problem_statuses: ClassVar = {"POST": (401,)}

    @extend_schema(
        operation_id="auth_refresh",
        summary="Renew the tokens",
        description="The refresh token works once: keep the new one before anything else, and "
        "send one request at a time. A token that comes a second time signs the device out (401), "
        "since one of the two who hold it has stolen it.",
        tags=["auth"],
        request=RefreshSerializer,
        responses={200: TokenPairSerializer},
        examples=[sent({"refresh": examples.TOKENS["refresh"]}), answered(examples.TOKENS)],
    )
    def post(self, request: Request) -> Response:
        named = read_refresh_token(self.validated(RefreshSerializer, request.data)["refresh"])
        now = clock.now()
        renewed = named and refresh_families.rotate(
            named.sign_in_id,
            user_id=named.user_id,
            generation=named.generation,
            address=client_address(request._request),
            at=now,
        )
        if not renewed:
            raise _not_valid()
        return Response(token_pair(renewed, at=now))


class LogoutView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    # 403: an API key is nobody who could sign out.
    problem_statuses: ClassVar = {"POST": (401, 403)}

    @extend_schema(
        operation_id="auth_logout",
        summary="Sign this device out",
        description="Voids the tokens of this sign-in at once. By the access token, or by the "
        "refresh token in the body and no `Authorization`.",
        tags=["auth"],
        request=LogoutSerializer,
        responses={204: None},
        examples=[sent({"refresh": examples.TOKENS["refresh"]})],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(LogoutSerializer, request.data)
        opened = request.auth if isinstance(request.auth, SignIn) else None
        now = clock.now()
        named = read_refresh_token(given.get("refresh", ""))
        if opened is None and named is not None:
            opened = open_sign_in(named.sign_in_id, user_id=named.user_id, at=now)
        if opened is None:
            raise _not_valid()
        sign_ins.sign_out(opened, at=now)
        return Response(status=204)


class OidcView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()
    throttle_classes = (LoginThrottle,)
    problem_statuses: ClassVar = {"POST": (401, 409)}

    @extend_schema(
        operation_id="auth_oidc",
        summary="Sign in with LINE, Google or Apple",
        description="Takes the id token that the provider gave the app, once. Who comes for the "
        "first time gets an account, or the one with the same e-mail address, if both the provider "
        "and we have verified it. 503: the provider's keys cannot be had at the moment.",
        tags=["auth"],
        parameters=[
            OpenApiParameter(
                "provider",
                str,
                OpenApiParameter.PATH,
                description="`line`, `google` or `apple`, as far as they are switched on (404).",
            )
        ],
        request=OidcSerializer,
        responses={200: SignedInSerializer},
        examples=[
            sent({"id_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEi…", "nonce": "n-0S6_WzA2Mj"}),
            answered(examples.SIGNED_IN),
        ],
    )
    def post(self, request: Request, provider: str) -> Response:
        given = self.validated(OidcSerializer, request.data)
        chosen = provider_named(provider)
        now = clock.now()
        email = ""
        try:
            assertion = chosen.verify(given["id_token"], nonce=given["nonce"], at=now)
            email = assertion.email
            opened = signing_in.sign_in(
                assertion,
                device_of(request, given),
                provider_name=chosen.name,
                language=language_of(""),
                at=now,
            )
        except Conflict:
            _note_identity(request, LoginOutcome.IDENTITY_REFUSED, email)
            raise
        except AssertionRefused as refusal:
            _note_identity(request, LoginOutcome.IDENTITY_REFUSED, email)
            logger.info("assertion_refused", provider=provider, reason=refusal.reason)
            raise AuthenticationFailed(
                _("The provider's token is not valid. Sign in there again."), "id_token_not_valid"
            ) from refusal
        _note_identity(request, LoginOutcome.SUCCEEDED, opened.user.email or "", opened.user)
        return Response(signed_in(opened, at=now))


def _note_identity(
    request: Request, outcome: LoginOutcome, email: str, user: User | None = None
) -> None:
    note_attempt(request._request, LoginChannel.OIDC, outcome, username=email, user=user)


def _not_valid() -> AuthenticationFailed:
    return AuthenticationFailed(_("The token is not valid or has expired."), "token_not_valid")
