"""The forms of sessions, prices and authorizations."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from accounts.domain.states import Authorization
from chargepoints.api.serializers import IDENTITY_LENGTH, ClockTimeField, EvseTariffSerializer
from chargepoints.domain.states import CommandStatus
from csms.common.api.queries import CursorQuerySerializer
from transactions.domain.availability import Obstacle
from transactions.domain.states import SessionState
from transactions.models import CostLine, ReviewItem, TariffVersion, TariffWindow

STATES = [state.value for state in SessionState]
MONEY: dict[str, Any] = {"max_digits": 12, "decimal_places": 2}
UNIT_PRICE: dict[str, Any] = {"max_digits": 10, "decimal_places": 4}
LARGEST_ID = 2**63 - 1


class FailureSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField(allow_blank=True, help_text="For people.")


class ChargerRequestSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=[status.value for status in CommandStatus])
    requested_at = serializers.DateTimeField()


class PriceSerializer(serializers.Serializer[Any]):
    net = serializers.DecimalField(**MONEY)
    tax = serializers.DecimalField(**MONEY)
    gross = serializers.DecimalField(**MONEY)


class SessionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    transaction_id = serializers.CharField(help_text="The one that the charger uses.")
    identity = serializers.CharField(
        help_text="The station's OCPP identity for staff and keys, its public code for drivers."
    )
    evse_id = serializers.IntegerField()
    connector_id = serializers.IntegerField()
    public_code = serializers.CharField()
    site = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    is_held = serializers.BooleanField(help_text="A person looks at it before it is billed.")
    authorization = serializers.CharField(allow_blank=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)
    failure = FailureSerializer(allow_null=True, help_text="Why it never began, if so.")
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="A session that has not begun by then is closed."
    )
    energy_wh = serializers.IntegerField()
    currency = serializers.CharField()
    total_net = serializers.DecimalField(**MONEY, allow_null=True)
    total_tax = serializers.DecimalField(**MONEY, allow_null=True)
    total_gross = serializers.DecimalField(**MONEY, allow_null=True)
    priced_at = serializers.DateTimeField(allow_null=True)


class CurvePointSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    power_w = serializers.IntegerField(allow_null=True)
    energy_wh = serializers.IntegerField(allow_null=True, help_text="The charger's register.")
    soc_percent = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    current_a = serializers.DecimalField(max_digits=8, decimal_places=2, allow_null=True)
    voltage_v = serializers.DecimalField(max_digits=8, decimal_places=2, allow_null=True)
    after_gap = serializers.BooleanField()


# `from` is no name that a class can give.
CostLineSerializer = inline_serializer(
    name="CostLine",
    fields={
        "kind": serializers.ChoiceField(choices=list(CostLine.Kind.values)),
        "name": serializers.CharField(allow_blank=True),
        "quantity": serializers.DecimalField(max_digits=14, decimal_places=4),
        "unit": serializers.CharField(),
        "unit_price": serializers.DecimalField(**UNIT_PRICE),
        "net": serializers.DecimalField(**MONEY),
        "tax": serializers.DecimalField(**MONEY),
        "gross": serializers.DecimalField(**MONEY),
        "from": serializers.DateTimeField(),
        "until": serializers.DateTimeField(),
    },
    many=True,
)


class ReviewFlagSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=list(ReviewItem.Kind.values))
    received_at = serializers.DateTimeField()


class AppliedTariffSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    effective_from = serializers.DateTimeField()


class SessionSummarySerializer(SessionSerializer):
    is_final = serializers.BooleanField(
        help_text="Ended, priced and not held: nothing changes any more."
    )
    as_of = serializers.DateTimeField()
    duration_seconds = serializers.IntegerField(allow_null=True)
    charging_ended_at = serializers.DateTimeField(allow_null=True)
    power_w = serializers.IntegerField(allow_null=True, help_text="Now, while it runs.")
    soc_percent = serializers.IntegerField(allow_null=True)
    price_so_far = PriceSerializer(
        allow_null=True, help_text="If it ended now; null once it has ended."
    )
    start_request = ChargerRequestSerializer(allow_null=True)
    stop_request = ChargerRequestSerializer(allow_null=True)
    tariff = AppliedTariffSerializer(allow_null=True)
    lines = CostLineSerializer
    curve = CurvePointSerializer(many=True)
    review = ReviewFlagSerializer(many=True, help_text="What a person still looks at.")
    payments = serializers.ListField(
        child=serializers.DictField(), help_text="Empty until payments are here."
    )
    documents = serializers.ListField(
        child=serializers.DictField(), help_text="Empty until invoices are here."
    )


class SessionQuerySerializer(CursorQuerySerializer):
    identity = serializers.CharField(max_length=IDENTITY_LENGTH, required=False)
    state = serializers.ChoiceField(choices=STATES, required=False)
    transaction_id = serializers.CharField(
        max_length=255, required=False, help_text="The one that the charger uses."
    )
    since = serializers.DateTimeField(required=False, help_text="Started at or after.")
    until = serializers.DateTimeField(required=False, help_text="Started before.")


class AuthorizationQuestionSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField(max_length=IDENTITY_LENGTH)
    id_token = serializers.CharField(
        max_length=255,
        required=False,
        default="",
        help_text="Keys have to give one. Drivers: one of theirs; left out: that of the app.",
    )
    evse_id = serializers.IntegerField(
        min_value=1, max_value=100, required=False, allow_null=True, default=None
    )


class AuthorizationAnswerSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    status = serializers.ChoiceField(choices=[a.value for a in Authorization])
    expires_at = serializers.DateTimeField(allow_null=True)
    group = serializers.CharField(allow_blank=True)
    obstacle = serializers.ChoiceField(
        choices=[obstacle.value for obstacle in Obstacle],
        allow_null=True,
        help_text="For drivers who name an EVSE: what else keeps them from starting there.",
    )


class NewWindowSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=50)
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7), min_length=1, max_length=7
    )
    starts_at = ClockTimeField()
    ends_at = ClockTimeField()
    holidays = serializers.ChoiceField(
        choices=list(TariffWindow.Holidays.values), required=False, default="ANY"
    )
    price_per_kwh = serializers.DecimalField(**UNIT_PRICE, min_value=0)


class NewVersionSerializer(serializers.Serializer[Any]):
    """Prices include VAT."""

    price_per_kwh = serializers.DecimalField(**UNIT_PRICE, min_value=0)
    price_per_minute = serializers.DecimalField(**UNIT_PRICE, min_value=0, required=False)
    price_per_session = serializers.DecimalField(**UNIT_PRICE, min_value=0, required=False)
    idle_price_per_minute = serializers.DecimalField(**UNIT_PRICE, min_value=0, required=False)
    idle_grace_minutes = serializers.IntegerField(min_value=0, max_value=1440, required=False)
    vat_percent = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=0, max_value=100, required=False
    )
    energy_pricing = serializers.ChoiceField(
        choices=list(TariffVersion.EnergyPricing.values), required=False
    )
    windows = NewWindowSerializer(many=True, required=False, default=list, max_length=50)  # type: ignore[call-arg]


class PricingSerializer(serializers.Serializer[Any]):
    tariff = serializers.IntegerField(
        min_value=1, max_value=LARGEST_ID, required=False, allow_null=True, default=None
    )
    name = serializers.CharField(
        max_length=100,
        required=False,
        allow_null=True,
        default=None,
        help_text="Instead of `tariff`: the operator's tariff of that name. It is made if there "
        "is none; `version` must then say what it costs.",
    )
    effective_from = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Left out: now."
    )
    evse_id = serializers.IntegerField(
        min_value=1,
        max_value=100,
        required=False,
        allow_null=True,
        default=None,
        help_text="Left out: the whole station.",
    )
    version = NewVersionSerializer(
        required=False,
        allow_null=True,
        default=None,
        help_text="New prices of that tariff from then on, wherever it applies.",
    )


class PricingAnswerSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField()
    effective_from = serializers.DateTimeField()
    tariffs = EvseTariffSerializer(many=True, help_text="What applies from then on.")
