"""Drivers change a password that they know and reset one that they do not."""

from typing import ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import driver_examples as examples
from accounts.api.callers import person_of
from accounts.api.credentials import confirm_password, contact_of, device_of
from accounts.api.driver_serializers import (
    ContactSerializer,
    PasswordChangeSerializer,
    PasswordResetSerializer,
    SignedInSerializer,
    VerificationSerializer,
)
from accounts.api.login_throttle import LoginThrottle
from accounts.api.registration_views import LIMITS
from accounts.api.representation import signed_in, verification_of
from accounts.services import passwords, refresh_families
from csms.common import clock
from csms.common.api.addresses import client_address
from csms.common.api.examples import answered, sent
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView
from csms.common.errors import Conflict


class PasswordView(ApiView):
    access: ClassVar = {"POST": Access(driver=True)}
    throttle_classes = (LoginThrottle,)
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="auth_change_password",
        summary="Change the password",
        description="Signs every device out; the answer's tokens are for this one. Wrong passwords "
        "count towards the lockout. 409 `no_password`: the account has none, reset it to get one.",
        tags=["auth"],
        request=PasswordChangeSerializer,
        responses={200: SignedInSerializer},
        examples=[
            sent({"current_password": examples.PASSWORD, "new_password": "staple-of-the-day"}),
            answered(examples.SIGNED_IN),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(PasswordChangeSerializer, request.data)
        user = person_of(request)
        if not user.has_usable_password():
            raise Conflict(
                _("This account has no password. Reset it to get one."), code="no_password"
            )
        confirm_password(
            request._request, user, given["current_password"], field="current_password"
        )
        now = clock.now()
        passwords.change(user, given["new_password"], at=now)
        opened = refresh_families.open_family(user, device_of(request, given), at=now)
        return Response(signed_in(opened, at=now))


class PasswordResetView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()

    @extend_schema(
        operation_id="auth_ask_for_password_reset",
        summary="Ask for a code to reset the password",
        description=f"The same answer whether there is such an account or not. {LIMITS}",
        tags=["auth"],
        request=ContactSerializer,
        responses={202: VerificationSerializer},
        examples=[sent({"phone": "0812345678"}), answered(examples.VERIFICATION, 202)],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(ContactSerializer, request.data)
        asked = passwords.ask_to_reset(
            contact_of(given), address=client_address(request._request), at=clock.now()
        )
        return Response(verification_of(asked), status=202)


class PasswordResetConfirmView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()
    problem_statuses: ClassVar = {"POST": (404,)}

    @extend_schema(
        operation_id="auth_reset_password",
        summary="Set a new password by the code",
        description="Signs every device out and ends a lockout. Five wrong codes void the code.",
        tags=["auth"],
        request=PasswordResetSerializer,
        responses={204: None},
        examples=[
            sent(
                {
                    "verification_id": examples.VERIFICATION_ID,
                    "code": "123456",
                    "password": "staple-of-the-day",
                }
            )
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(PasswordResetSerializer, request.data)
        passwords.reset(given["verification_id"], given["code"], given["password"], at=clock.now())
        return Response(status=204)
