"""SUPERADMIN invites staff; they choose password and second factor themselves."""

from typing import Any, ClassVar, cast

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers import StaffSerializer
from accounts.domain.states import Role
from accounts.models import Operator, User
from accounts.services import invitations
from accounts.services.set_up_links import set_up_url
from csms.common import clock
from csms.common.api.examples import answered, sent
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView
from csms.common.errors import FieldError, InvalidInput

TAGS = ["auth"]
INVITED_EXAMPLE = {
    "user": {
        "id": 8,
        "email": "somchai@example.com",
        "display_name": "Somchai",
        "role": "STAFF",
        "operators": ["bangkok-ev"],
    },
    "set_up_url": "https://csms.example.co.th/admin/set-up/#Q2x…",
    "set_up_expires_at": "2026-11-21T05:00:00Z",
}


class StaffInvitationSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=[Role.STAFF.value, Role.SUPERADMIN.value])
    operators = serializers.ListField(
        child=serializers.CharField(max_length=50),
        max_length=100,
        default=list,
        help_text="Codes of the operators that the person works for; STAFF needs at least one.",
    )
    display_name = serializers.CharField(max_length=200, default="", allow_blank=True)
    language = serializers.ChoiceField(choices=["th", "en"], default="th")


class InvitedStaffSerializer(serializers.Serializer[Any]):
    user = StaffSerializer()
    set_up_url = serializers.CharField(
        allow_null=True,
        help_text="Give it to the person over a way that you trust. Works once; not shown again. "
        "Null: it is on its way to them by e-mail.",
    )
    set_up_expires_at = serializers.DateTimeField()


class StaffRegistrationView(ApiView):
    access: ClassVar = {"POST": Access(staff="accounts.add_user")}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="admin_auth_register",
        summary="Invite a member of staff",
        description="The person gets a link by e-mail on which they set a password and an "
        "authenticator app within 24 hours; before that nobody can sign in as them. Where the "
        "server has no mail server the answer holds the link, this once. Only SUPERADMIN. 409 if "
        "the e-mail address is used.",
        tags=TAGS,
        request=StaffInvitationSerializer,
        responses={201: InvitedStaffSerializer},
        examples=[
            sent(
                {
                    "email": "somchai@example.com",
                    "role": "STAFF",
                    "operators": ["bangkok-ev"],
                    "display_name": "Somchai",
                    "language": "th",
                }
            ),
            answered(INVITED_EXAMPLE, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(StaffInvitationSerializer, request.data)
        user, invitation, token = invitations.invite_staff(
            given["email"],
            given["role"],
            _operators(given["operators"]),
            display_name=given["display_name"],
            language=given["language"],
            actor=cast(User, request.user),
            at=clock.now(),
        )
        return Response(
            {
                "user": represent_staff(user),
                "set_up_url": set_up_url(token) if token else None,
                "set_up_expires_at": invitation.expires_at,
            },
            status=201,
        )


def represent_staff(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role,
        "operators": [operator.code for operator in user.operators.all()],
    }


def _operators(codes: list[str]) -> list[Operator]:
    wanted = list(dict.fromkeys(codes))
    found = {operator.code: operator for operator in Operator.objects.filter(code__in=wanted)}
    unknown = [code for code in wanted if code not in found]
    if unknown:
        text = _("There is no operator with the code %(code)s.") % {"code": unknown[0]}
        raise InvalidInput(text, errors=[FieldError("operators", "unknown", text)])
    return [found[code] for code in wanted]
