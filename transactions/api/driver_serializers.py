"""The forms of what drivers ask for: sessions, their live state, reservations."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from chargepoints.api.serializers import IDENTITY_LENGTH, STATUSES, TariffSerializer
from csms.common.api.queries import CursorQuerySerializer
from csms.common.api.schema import ProblemSerializer
from transactions.api.serializers import (
    LARGEST_ID,
    STATES,
    UNIT_PRICE,
    ChargerRequestSerializer,
    FailureSerializer,
    PriceSerializer,
    SessionSerializer,
)
from transactions.domain.states import ReservationState
from transactions.models.reservations import LARGEST_RESERVATION_ID

PUBLIC_CODE_LENGTH = 10
PAYMENT_METHODS = ("CARD", "PROMPTPAY", "TRUEMONEY", "MOBILE_BANKING", "WALLET")


class PlaceSerializer(serializers.Serializer[Any]):
    """A connector: by the code that is printed on it, or by its station and number."""

    public_code = serializers.CharField(
        max_length=PUBLIC_CODE_LENGTH, required=False, help_text="Instead of the other three."
    )
    identity = serializers.CharField(max_length=IDENTITY_LENGTH, required=False)
    evse_id = serializers.IntegerField(
        min_value=1, max_value=100, required=False, allow_null=True, default=None
    )
    connector_id = serializers.IntegerField(
        min_value=1,
        max_value=100,
        required=False,
        default=1,
        help_text="Without `evse_id`: the connector's number at the station (that of its EVSE).",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("public_code")) == bool(attrs.get("identity")):
            raise serializers.ValidationError(
                {"identity": _("Give either the public code or the identity of the station.")}
            )
        return attrs


class NewSessionSerializer(PlaceSerializer):
    """The price that the driver saw must be the one that applies; nothing else sets a price."""

    tariff_version_id = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST_ID,
        required=False,
        allow_null=True,
        help_text="`version_id` of the tariff that was shown; null where none was.",
    )
    price_per_kwh = serializers.DecimalField(
        **UNIT_PRICE, min_value=0, required=False, help_text="What a kWh was shown to cost now."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "tariff_version_id" not in attrs and "price_per_kwh" not in attrs:
            raise serializers.ValidationError(
                {"tariff_version_id": _("Say which price the driver was shown.")}
            )
        return super().validate(attrs)


class CreatedSessionSerializer(SessionSerializer):
    tariff = TariffSerializer(allow_null=True, help_text="What the session will be priced by.")


class PriceChangedSerializer(ProblemSerializer):
    """Another conflict has neither `tariff` nor `price_per_kwh`."""

    tariff = TariffSerializer(allow_null=True, required=False)
    price_per_kwh = serializers.DecimalField(**UNIT_PRICE, allow_null=True, required=False)


class ChargerAskedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    transaction_id = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    expires_at = serializers.DateTimeField(allow_null=True)
    failure = FailureSerializer(allow_null=True)
    start_request = ChargerRequestSerializer(allow_null=True)
    stop_request = ChargerRequestSerializer(allow_null=True)


class StopSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True, help_text="For the audit."
    )


class LiveSessionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    transaction_id = serializers.CharField()
    identity = serializers.CharField()
    evse_id = serializers.IntegerField()
    connector_id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=STATES)
    expires_at = serializers.DateTimeField(allow_null=True)
    failure = FailureSerializer(allow_null=True)
    is_online = serializers.BooleanField(help_text="Whether the charger is connected.")
    connector_status = serializers.ChoiceField(choices=STATUSES)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)
    energy_wh = serializers.IntegerField()
    power_w = serializers.IntegerField(allow_null=True)
    soc_percent = serializers.IntegerField(allow_null=True)
    measured_at = serializers.DateTimeField(
        allow_null=True, help_text="The newest reading: how old what is shown is."
    )
    charging_ended_at = serializers.DateTimeField(allow_null=True)
    currency = serializers.CharField()
    price = PriceSerializer(
        allow_null=True, help_text="While it runs: so far. Null without a tariff."
    )
    is_final = serializers.BooleanField()
    start_request = ChargerRequestSerializer(allow_null=True)
    stop_request = ChargerRequestSerializer(allow_null=True)


# `from` is no name that a class can give.
HistoryQuerySerializer = type(
    "HistoryQuerySerializer",
    (CursorQuerySerializer,),
    {
        "from": serializers.DateTimeField(required=False, help_text="Started at or after."),
        "to": serializers.DateTimeField(required=False, help_text="Started before."),
        "state": serializers.ChoiceField(choices=STATES, required=False),
        "station": serializers.CharField(
            max_length=IDENTITY_LENGTH, required=False, help_text="Its identity."
        ),
    },
)


class PaymentRequestSerializer(serializers.Serializer[Any]):
    """No amount: what a session costs is what it costs."""

    method = serializers.ChoiceField(choices=PAYMENT_METHODS)


class PaymentAnswerSerializer(serializers.Serializer[Any]):
    session_id = serializers.UUIDField()
    state = serializers.CharField()


class NewReservationSerializer(PlaceSerializer):
    expires_at = serializers.DateTimeField(help_text="Until when the place is kept.")


class ReservationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    identity = serializers.CharField()
    evse_id = serializers.IntegerField(
        allow_null=True, min_value=1, max_value=LARGEST_RESERVATION_ID
    )
    connector_id = serializers.IntegerField(allow_null=True)
    site = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in ReservationState])
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    session_id = serializers.UUIDField(allow_null=True)
