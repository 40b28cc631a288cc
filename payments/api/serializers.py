from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from csms.common.api.fields import AmountField
from payments.domain import TOP_UP_METHODS, Bank, Method

METHODS = [method.value for method in Method]
MONEY: dict[str, Any] = {"max_digits": 12, "decimal_places": 2}


class CardInputSerializer(serializers.Serializer[Any]):
    """The number never comes here: the app gives it to the provider, and us the token."""

    token = serializers.RegexField(
        r"^tokn_(test_)?[A-Za-z0-9]{8,60}\Z", help_text="From the payment provider, works once."
    )
    is_default = serializers.BooleanField(required=False, default=False)


class CardSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    brand = serializers.CharField()
    last_digits = serializers.CharField()
    expiry_month = serializers.IntegerField()
    expiry_year = serializers.IntegerField()
    is_default = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class _MethodSerializer(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=METHODS)
    card_id = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="Left out: the default card."
    )
    bank = serializers.ChoiceField(
        choices=[bank.value for bank in Bank],
        required=False,
        allow_null=True,
        default=None,
        help_text="For `MOBILE_BANKING`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["method"] == Method.MOBILE_BANKING) != (attrs["bank"] is not None):
            raise serializers.ValidationError(
                {"bank": [_("A bank belongs to mobile banking, and to nothing else.")]}
            )
        if attrs["card_id"] is not None and attrs["method"] != Method.CARD:
            raise serializers.ValidationError(
                {"card_id": [_("A card belongs to payment by card, and to nothing else.")]}
            )
        return attrs


class PaymentInputSerializer(_MethodSerializer):
    session_id = serializers.UUIDField()
    amount = AmountField(
        required=False,
        allow_null=True,
        default=None,
        help_text="What the driver was shown. It never sets the price: if it differs, 409.",
    )


class TopUpSerializer(_MethodSerializer):
    method = serializers.ChoiceField(choices=[method.value for method in TOP_UP_METHODS])
    amount = AmountField()
    currency = serializers.ChoiceField(choices=["THB"], required=False, default="THB")


class PaymentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["PAYMENT", "REFUND", "TOP_UP"])
    method = serializers.ChoiceField(choices=METHODS)
    amount = serializers.DecimalField(**MONEY)
    currency = serializers.CharField()
    session_id = serializers.UUIDField(allow_null=True)
    at = serializers.DateTimeField()


class WalletSerializer(serializers.Serializer[Any]):
    balance = serializers.DecimalField(**MONEY)
    currency = serializers.CharField()


class PromoCodeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    valid_until = serializers.DateTimeField(allow_null=True)


class ReturnQuerySerializer(serializers.Serializer[Any]):
    payment_id = serializers.UUIDField()
