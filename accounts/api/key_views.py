"""API keys of partners and gateways, for SUPERADMIN."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, cast

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import actor_of
from accounts.domain.networks import MOST_NETWORKS
from accounts.domain.states import Scope
from accounts.models import ApiKey, Operator
from accounts.selectors.keys import visible_key, visible_keys
from accounts.selectors.scope import Caller
from accounts.services import keys
from csms.common import clock
from csms.common.api.examples import answered, page, sent
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView
from csms.common.errors import FieldError, InvalidInput

TAGS = ["api keys"]
KEY_ID = OpenApiParameter("key_id", int, OpenApiParameter.PATH)
LONGEST_OVERLAP_HOURS = int(keys.LONGEST_OVERLAP.total_seconds() // 3600)
KEY_EXAMPLE = {
    "id": 12,
    "name": "Roaming partner",
    "prefix": "8f2c1d9a40",
    "scopes": ["read"],
    "operator": "bangkok-ev",
    "allowed_networks": ["203.0.113.0/24"],
    "status": "VALID",
    "created_at": "2026-11-20T05:00:00Z",
    "rotated_at": None,
    "old_secret_valid_until": None,
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": "2026-11-20T05:09:00Z",
}
SHOWN_EXAMPLE = {**KEY_EXAMPLE, "key": "csms_8f2c1d9a40_J0…"}


class NewApiKeySerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[scope.value for scope in Scope]),
        min_length=1,
        max_length=len(Scope),
    )
    operator = serializers.CharField(
        max_length=50,
        default=None,
        allow_null=True,
        help_text="The operator's code. Without it the key sees every operator's rows.",
    )
    expires_at = serializers.DateTimeField(default=None, allow_null=True)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=50),
        max_length=MOST_NETWORKS,
        default=list,
        help_text="CIDR, such as `203.0.113.0/24`. Empty: from anywhere.",
    )


class RotationSerializer(serializers.Serializer[Any]):
    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        default=int(keys.DEFAULT_OVERLAP.total_seconds() // 3600),
        help_text="How long the old secret still works; 0: not at all.",
    )


class ApiKeySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The beginning of the key, after `csms_`.")
    scopes = serializers.ListField(child=serializers.CharField())
    operator = serializers.CharField(allow_null=True)
    allowed_networks = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=["VALID", "EXPIRED", "REVOKED"])
    created_at = serializers.DateTimeField()
    rotated_at = serializers.DateTimeField(allow_null=True)
    old_secret_valid_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before the last rotation works too."
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class ShownApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField(help_text="The raw key, for `X-Api-Key`: shown this once.")


class ApiKeyListView(ApiView):
    access: ClassVar = {
        "GET": Access(staff="accounts.view_apikey"),
        "POST": Access(staff="accounts.add_apikey"),
    }

    @extend_schema(
        operation_id="admin_api_keys_list",
        summary="List API keys",
        description="Newest first; void ones too. Never a secret.",
        tags=TAGS,
        parameters=[PageQuerySerializer],
        responses={200: page_of(ApiKeySerializer)},
        examples=[answered(page(KEY_EXAMPLE))],
    )
    def get(self, request: Request) -> Response:
        at = clock.now()
        rows = visible_keys(cast(Caller, request.user), at)
        return self.page(request, rows, lambda key: represent_key(key, at))

    @extend_schema(
        operation_id="admin_api_keys_create",
        summary="Make an API key",
        description="The raw key is in this answer and nowhere else.",
        tags=TAGS,
        request=NewApiKeySerializer,
        responses={201: ShownApiKeySerializer},
        examples=[
            sent(
                {
                    "name": "Roaming partner",
                    "scopes": ["read"],
                    "operator": "bangkok-ev",
                    "allowed_networks": ["203.0.113.0/24"],
                }
            ),
            answered(SHOWN_EXAMPLE, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(NewApiKeySerializer, request.data)
        key, raw = keys.create_api_key(
            given["name"],
            given["scopes"],
            _operator(given["operator"]),
            given["expires_at"],
            allowed_networks=given["allowed_networks"],
            actor=actor_of(request),
        )
        return _shown(request, key, raw, 201)


class ApiKeyRotationView(ApiView):
    access: ClassVar = {"POST": Access(staff="accounts.change_apikey")}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="admin_api_keys_rotate",
        summary="Rotate an API key",
        description="A new secret under the same prefix. The old one works beside it for "
        "`overlap_hours`, 7 days at most, so that nothing is interrupted. 409 if the key is void.",
        tags=TAGS,
        parameters=[KEY_ID],
        request=RotationSerializer,
        responses={200: ShownApiKeySerializer},
        examples=[
            sent({"overlap_hours": 24}),
            answered(
                {
                    **SHOWN_EXAMPLE,
                    "rotated_at": "2026-11-20T05:10:00Z",
                    "old_secret_valid_until": "2026-11-21T05:10:00Z",
                }
            ),
        ],
    )
    def post(self, request: Request, key_id: int) -> Response:
        given = self.validated(RotationSerializer, request.data)
        found = visible_key(cast(Caller, request.user), key_id, clock.now())
        rotated, raw = keys.rotate(
            found, overlap=timedelta(hours=given["overlap_hours"]), actor=actor_of(request)
        )
        return _shown(request, rotated, raw, 200)


class ApiKeyView(ApiView):
    access: ClassVar = {"DELETE": Access(staff="accounts.change_apikey")}

    @extend_schema(
        operation_id="admin_api_keys_revoke",
        summary="Revoke an API key",
        description="The key and its old secrets open nothing from now on; its row stays for the "
        "audit trail. Again: no change.",
        tags=TAGS,
        parameters=[KEY_ID],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, key_id: int) -> Response:
        found = visible_key(cast(Caller, request.user), key_id, clock.now())
        keys.revoke(found, actor=actor_of(request))
        return Response(status=204)


def represent_key(key: ApiKey, at: datetime) -> dict[str, Any]:
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "operator": key.operator.code if key.operator is not None else None,
        "allowed_networks": key.allowed_networks,
        "status": _status(key, at),
        "created_at": key.created_at,
        "rotated_at": key.rotated_at,
        "old_secret_valid_until": key.old_secret_valid_until,  # type: ignore[attr-defined]
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _status(key: ApiKey, at: datetime) -> str:
    if key.revoked_at is not None:
        return "REVOKED"
    return "EXPIRED" if key.expires_at is not None and key.expires_at <= at else "VALID"


def _shown(request: Request, key: ApiKey, raw: str, status: int) -> Response:
    at = clock.now()
    found = visible_key(cast(Caller, request.user), key.pk, at)
    return Response({**represent_key(found, at), "key": raw}, status=status)


def _operator(code: str | None) -> Operator | None:
    if code is None:
        return None
    operator = Operator.objects.filter(code=code).first()
    if operator is None:
        text = _("There is no operator with the code %(code)s.") % {"code": code}
        raise InvalidInput(text, errors=[FieldError("operator", "unknown", text)])
    return operator
