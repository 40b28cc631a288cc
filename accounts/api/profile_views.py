"""A driver's own profile."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import driver_examples as examples
from accounts.api.callers import person_of
from accounts.api.credentials import confirm_owner, contact_of
from accounts.api.driver_serializers import (
    OwnProfileSerializer,
    ProfileUpdateSerializer,
    UpdatedProfileSerializer,
)
from accounts.api.representation import own_profile, verification_of
from accounts.domain.consents import Channel, Decision, Purpose
from accounts.services import drivers
from accounts.services.consents import Choice
from csms.common import clock
from csms.common.api.addresses import client_address
from csms.common.api.examples import answered, sent
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView


class ProfileView(ApiView):
    access: ClassVar = {"GET": Access(driver=True), "PATCH": Access(driver=True)}
    problem_statuses: ClassVar = {"PATCH": (409,)}

    @extend_schema(
        operation_id="profile_get",
        summary="Your profile",
        tags=["profile"],
        responses={200: OwnProfileSerializer},
        examples=[answered(examples.OWN_PROFILE)],
    )
    def get(self, request: Request) -> Response:
        return Response(own_profile(person_of(request)))

    @extend_schema(
        operation_id="profile_update",
        summary="Change your profile",
        description="A new address or number counts once the code that is sent there has been "
        "entered at `/api/auth/verify`; until then the present one does. It needs the password "
        "again, or, without one, a sign-in of the last ten minutes. All that is given is changed, "
        "or nothing is. Withdrawing `TERMS` or `PRIVACY`, or what was never given: 409.",
        tags=["profile"],
        request=ProfileUpdateSerializer,
        responses={200: UpdatedProfileSerializer},
        examples=[
            sent({"phone": "0812345678", "current_password": examples.PASSWORD}),
            sent(
                {
                    "consents": [
                        {"purpose": "MARKETING", "decision": "GIVEN", "text_version": "2026-11"}
                    ]
                },
                "Consents",
            ),
            answered({**examples.OWN_PROFILE, "verification": examples.VERIFICATION}),
        ],
    )
    def patch(self, request: Request) -> Response:
        given = self.validated(ProfileUpdateSerializer, request.data)
        user = person_of(request)
        contact = contact_of(given) if "email" in given or "phone" in given else None
        if contact is not None:
            confirm_owner(request, user, given.get("current_password"), field="current_password")
        asked = drivers.update_profile(
            user,
            address=client_address(request._request),
            at=clock.now(),
            display_name=given.get("display_name"),
            language=given.get("language"),
            contact=contact,
            choices=[_choice(one) for one in given.get("consents", ())],
        )
        return Response(
            {**own_profile(user), "verification": verification_of(asked) if asked else None}
        )


def _choice(given: dict[str, Any]) -> Choice:
    return Choice(
        Purpose(given["purpose"]),
        Decision(given["decision"]),
        text_version=given["text_version"],
        channel=Channel(given["channel"]),
    )
