"""Staff sign in with a password and a one-time code, and out."""

from datetime import timedelta
from typing import ClassVar

from axes.helpers import get_cool_off
from axes.utils import reset as forget_failures
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.settings import api_settings

from accounts.api.authentication import issue_access_token
from accounts.api.login_throttle import LoginThrottle
from accounts.api.serializers import StaffLoginSerializer, StaffTokenSerializer
from accounts.api.staff_views import represent_staff
from accounts.domain.access import LoginChannel, LoginOutcome
from accounts.models import SignIn, User
from accounts.selectors.staff import may_enter
from accounts.services import login_attempts, sign_ins, staff
from csms.common import clock
from csms.common.api.addresses import client_address
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView

SIGN_IN_EXAMPLE = {
    "email": "staff@example.com",
    "password": "correct-horse-battery",
    "code": "123456",
}
TOKEN_EXAMPLE = {
    "access": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…",
    "token_type": "Bearer",
    "expires_in": 600,
    "expires_at": "2026-11-20T05:10:00Z",
    "user": {
        "id": 7,
        "email": "staff@example.com",
        "display_name": "Malee",
        "role": "STAFF",
        "operators": ["bangkok-ev"],
    },
}


class StaffLoginView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()
    throttle_classes = (LoginThrottle,)
    problem_statuses: ClassVar = {"POST": (401,)}

    @extend_schema(
        operation_id="admin_auth_login",
        summary="Sign in as staff",
        description="Five failures lock the account, and a hundred from one client network lock "
        "that out for 15 minutes (429). A wrong address, password or code get the same answer.",
        tags=["auth"],
        request=StaffLoginSerializer,
        responses={200: StaffTokenSerializer},
        examples=[
            OpenApiExample("sign in", SIGN_IN_EXAMPLE, request_only=True),
            OpenApiExample("token", TOKEN_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(StaffLoginSerializer, request.data)
        user = _verified_staff(request._request, **given)
        now = clock.now()
        lifetime: timedelta = api_settings.ACCESS_TOKEN_LIFETIME
        opened = sign_ins.sign_in(
            user, address=client_address(request._request), expires_at=now + lifetime, at=now
        )
        return Response(
            {
                "access": issue_access_token(opened),
                "token_type": "Bearer",
                "expires_in": int(lifetime.total_seconds()),
                "expires_at": opened.expires_at,
                "user": represent_staff(user),
            }
        )


def _verified_staff(request: HttpRequest, *, email: str, password: str, code: str) -> User:
    """The member of staff; one answer for whatever is wrong, another once locked out."""
    username = email.lower()
    user = authenticate(request, username=username, password=password)
    outcome = _outcome(user if isinstance(user, User) else None, code.strip())
    if user is not None and outcome is not LoginOutcome.SUCCEEDED:
        # The password was right, the rest was not: it counts as any other failure.
        user_login_failed.send(__name__, credentials={"username": username}, request=request)
    is_locked_out = getattr(request, "axes_locked_out", False)
    login_attempts.record(
        LoginChannel.API,
        LoginOutcome.LOCKED_OUT if is_locked_out else outcome,
        username=username,
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        user=user if isinstance(user, User) else None,
        at=clock.now(),
    )
    if is_locked_out:
        # Ours to answer: axes' middleware would send a page.
        request.axes_locked_out = False  # type: ignore[attr-defined]
        cool_off = get_cool_off(request)
        raise Throttled(wait=cool_off.total_seconds() if cool_off else None)
    if not isinstance(user, User) or outcome is not LoginOutcome.SUCCEEDED:
        raise AuthenticationFailed(_("E-mail, password or code is wrong."), "credentials_not_valid")
    forget_failures(username=username)
    return user


def _outcome(user: User | None, code: str) -> LoginOutcome:
    if user is None:
        return LoginOutcome.WRONG_CREDENTIALS
    if not may_enter(user):
        return LoginOutcome.NOT_ALLOWED
    checked = staff.check_code(user, code)
    if checked.device is not None:
        return LoginOutcome.SUCCEEDED
    return LoginOutcome.WRONG_CODE if checked.has_devices else LoginOutcome.NO_SECOND_FACTOR


class StaffLogoutView(ApiView):
    access: ClassVar = {"POST": Access(signed_in=True)}

    @extend_schema(
        operation_id="admin_auth_logout",
        summary="Sign out",
        description="Voids the tokens of this sign-in at once.",
        tags=["auth"],
        request=None,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, SignIn):
            sign_ins.sign_out(request.auth, at=clock.now())
        return Response(status=204)
