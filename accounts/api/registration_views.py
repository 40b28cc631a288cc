"""Drivers register and confirm an address or number by a code."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import driver_examples as examples
from accounts.api.credentials import contact_of
from accounts.api.driver_serializers import (
    CodeSerializer,
    RegistrationSerializer,
    ResendSerializer,
    VerificationSerializer,
    VerifiedSerializer,
)
from accounts.api.representation import verification_of
from accounts.services import drivers, verifications
from csms.common import clock
from csms.common.api.addresses import client_address
from csms.common.api.examples import answered, sent
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView

LIMITS = (
    "At most 1 code a minute, 5 an hour and 10 a day for each address or number, and 20, 200 and "
    "1000 for each client network (429)."
)


class RegisterView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()

    @extend_schema(
        operation_id="auth_register",
        summary="Register as a driver",
        description="Sends a code of six digits; there is an account once it has been entered at "
        "`/api/auth/verify`. The answer is the same where the address has an account already: its "
        f"owner is written instead. {LIMITS}",
        tags=["auth"],
        request=RegistrationSerializer,
        responses={202: VerificationSerializer},
        examples=[
            sent({"phone": "0812345678", "password": examples.PASSWORD, "language": "th"}),
            answered(examples.VERIFICATION, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(RegistrationSerializer, request.data)
        asked = drivers.register(
            contact_of(given),
            given["password"],
            address=client_address(request._request),
            at=clock.now(),
            language=given.get("language", ""),
            display_name=given.get("display_name", ""),
        )
        return Response(verification_of(asked), status=202)


class VerifyView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()
    problem_statuses: ClassVar = {"POST": (404, 409)}

    @extend_schema(
        operation_id="auth_verify",
        summary="Confirm an address or number",
        description="Enters the code of a registration, or of a new address in the profile. Five "
        "wrong codes void it. 409 if the address has got an account meanwhile.",
        tags=["auth"],
        request=CodeSerializer,
        responses={200: VerifiedSerializer},
        examples=[
            sent({"verification_id": examples.VERIFICATION_ID, "code": "123456"}),
            answered({"verified": "SMS"}),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(CodeSerializer, request.data)
        asked = drivers.verify(given["verification_id"], given["code"], at=clock.now())
        return Response({"verified": asked.channel})


class VerificationCodesView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()

    @extend_schema(
        operation_id="auth_send_verification_code",
        summary="Send another code",
        description="For a registration, a new address or a password reset that waits for its "
        f"code. The old code is void, and the answer's `verification_id` counts. {LIMITS}",
        tags=["auth"],
        request=ResendSerializer,
        responses={202: VerificationSerializer},
        examples=[
            sent({"verification_id": examples.VERIFICATION_ID}),
            answered(examples.VERIFICATION, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(ResendSerializer, request.data)
        asked = verifications.repeat(
            given["verification_id"], address=client_address(request._request), at=clock.now()
        )
        return Response(verification_of(asked), status=202)
