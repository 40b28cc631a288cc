"""The forms of what a driver keeps here: vehicles, cards, consents, copies of the data."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from accounts.domain.consents import Channel, Decision, Purpose
from accounts.domain.states import DataExportState, IdTokenStatus
from accounts.domain.vehicles import ConnectorType
from accounts.models import IdToken
from csms.common.api.fields import LineField
from csms.common.api.queries import CursorQuerySerializer

CONNECTOR_TYPES = [one.value for one in ConnectorType]


class ProvinceSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="ISO 3166-2:TH, without `TH-`.")
    name_th = serializers.CharField()
    name_en = serializers.CharField()


class VehicleInputSerializer(serializers.Serializer[Any]):
    plate = LineField(max_length=20, help_text="Thai, like `1กข 1234`.")
    province = LineField(max_length=50, help_text="Code, Thai or English name.")
    connector_type = serializers.ChoiceField(choices=CONNECTOR_TYPES)
    make = LineField(max_length=50, required=False, allow_blank=True, default="")
    model = LineField(max_length=50, required=False, allow_blank=True, default="")
    battery_kwh = serializers.DecimalField(
        max_digits=5,
        decimal_places=1,
        min_value=Decimal("0.1"),
        max_value=Decimal("2000"),
        required=False,
        allow_null=True,
        default=None,
    )
    is_default = serializers.BooleanField(required=False, default=False)


class VehicleSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    plate = serializers.CharField()
    province = ProvinceSerializer()
    make = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    connector_type = serializers.ChoiceField(choices=CONNECTOR_TYPES)
    battery_kwh = serializers.DecimalField(max_digits=5, decimal_places=1, allow_null=True)
    is_default = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class IdTokenSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    masked_token = serializers.CharField(help_text="Its last four characters.")
    type = serializers.ChoiceField(choices=list(IdToken.Type.values))
    status = serializers.ChoiceField(choices=[status.value for status in IdTokenStatus])
    operator = serializers.CharField(
        allow_null=True, help_text="Where it is accepted; null: everywhere."
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class LinkCodeSerializer(serializers.Serializer[Any]):
    code = LineField(
        max_length=40, help_text="As it is printed on the card; hyphens and case do not matter."
    )


class ConsentInputSerializer(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(choices=[one.value for one in Purpose])
    decision = serializers.ChoiceField(choices=[one.value for one in Decision])
    text_version = serializers.RegexField(
        r"^[A-Za-z0-9._-]{1,20}\Z", help_text="Which text the person had before them."
    )
    channel = serializers.ChoiceField(
        choices=[Channel.APP.value, Channel.WEB.value], required=False, default=Channel.APP.value
    )


class ConsentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    purpose = serializers.ChoiceField(choices=[one.value for one in Purpose])
    decision = serializers.ChoiceField(choices=[one.value for one in Decision])
    text_version = serializers.CharField()
    channel = serializers.ChoiceField(choices=[one.value for one in Channel])
    at = serializers.DateTimeField()


class ConsentQuerySerializer(CursorQuerySerializer):
    current = serializers.BooleanField(
        required=False, default=False, help_text="Only the decision that counts, of each purpose."
    )


class DataExportSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=[state.value for state in DataExportState])
    requested_at = serializers.DateTimeField()
    ready_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Then the file goes.")
    size_bytes = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True)
    file = serializers.CharField(allow_null=True, help_text="Path of the file while there is one.")


class DataExportInputSerializer(serializers.Serializer[Any]):
    password = serializers.CharField(
        max_length=256, trim_whitespace=False, required=False, help_text="If the account has one."
    )


class DeletionInputSerializer(serializers.Serializer[Any]):
    """The password, or a code that was asked for; neither for who has none and just signed in."""

    password = serializers.CharField(max_length=256, trim_whitespace=False, required=False)
    verification_id = serializers.UUIDField(required=False)
    code = serializers.CharField(max_length=12, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) != ("verification_id" in attrs) or {"code", "password"} <= set(attrs):
            raise serializers.ValidationError(
                {"code": [_("Give the password, or a code beside the id of its request.")]}
            )
        return attrs


# `erased` has the kinds as its keys.
KeptSerializer = inline_serializer(
    name="KeptData",
    fields={
        "kind": serializers.CharField(),
        "count": serializers.IntegerField(allow_null=True, help_text="Null: not told apart."),
        "ground": serializers.CharField(help_text="The law that asks for it."),
        "reason_th": serializers.CharField(),
        "reason_en": serializers.CharField(),
        "until": serializers.DateField(allow_null=True),
    },
    many=True,
)


class DeletionSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    erased = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many rows of each kind."
    )
    kept = KeptSerializer
