"""The forms of what comes in and goes out about stations."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.domain.identities import VERSIONS
from chargepoints.domain.states import ConnectorStatus, RegistrationStatus
from chargepoints.models import Alert, Connector, Station
from chargepoints.selectors.alerts import STATES as ALERT_STATES
from chargepoints.selectors.clusters import MAX_ZOOM
from chargepoints.selectors.stations import ORDERINGS
from csms.common.api.queries import PageQuerySerializer

STATUSES = [s.value for s in ConnectorStatus]
TYPES = list(Connector.Type.values)
REGISTRATIONS = [s.value for s in RegistrationStatus]
IDENTITY_LENGTH = 48


class OperatorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    name_th = serializers.CharField(allow_blank=True)


class SiteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    name_th = serializers.CharField(allow_blank=True)
    operator = OperatorSerializer()
    address = serializers.CharField(allow_blank=True)
    district = serializers.CharField(allow_blank=True)
    province = serializers.CharField(allow_blank=True)
    postal_code = serializers.CharField(allow_blank=True)
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    opening_hours = serializers.DictField(
        child=serializers.ListField(child=serializers.ListField(child=serializers.CharField())),
        help_text='`mon`…`sun` to `[["08:00", "22:00"]]`; empty: round the clock.',
    )


class ConnectorSerializer(serializers.Serializer[Any]):
    connector_id = serializers.IntegerField()
    type = serializers.ChoiceField(choices=TYPES)
    max_power_kw = serializers.FloatField(allow_null=True)
    status = serializers.ChoiceField(choices=STATUSES)
    status_at = serializers.DateTimeField(allow_null=True)
    is_available = serializers.BooleanField(help_text="Online and free.")


class EvseSerializer(serializers.Serializer[Any]):
    evse_id = serializers.IntegerField()
    public_code = serializers.CharField(help_text="Printed on the charger.")
    connectors = ConnectorSerializer(many=True)


class TechnicalSerializer(serializers.Serializer[Any]):
    vendor = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    serial_number = serializers.CharField(allow_blank=True)
    firmware_version = serializers.CharField(allow_blank=True)
    allowed_versions = serializers.ListField(child=serializers.ChoiceField(choices=VERSIONS))
    ocpp_version = serializers.CharField(allow_blank=True)
    security_profile = serializers.IntegerField()
    registration_status = serializers.ChoiceField(choices=REGISTRATIONS)
    booted_at = serializers.DateTimeField(allow_null=True)
    connected_at = serializers.DateTimeField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)


class StationSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField(
        help_text="What paths call the station: its OCPP identity for staff and keys, its public "
        "code for everybody else."
    )
    public_code = serializers.CharField(help_text="Unique, and no OCPP identity.")
    name = serializers.CharField()
    site = SiteSerializer()
    is_online = serializers.BooleanField()
    connector_count = serializers.IntegerField()
    available_connectors = serializers.IntegerField()
    evses = EvseSerializer(many=True)
    technical = TechnicalSerializer(allow_null=True, help_text="For staff and keys only.")


class NearbyStationSerializer(StationSerializer):
    distance_km = serializers.FloatField()


@extend_schema_field({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?$"})
class ClockTimeField(serializers.TimeField):
    """A time of day where the station is; OpenAPI's own `time` wants a zone."""


class TariffWindowSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    weekdays = serializers.ListField(child=serializers.IntegerField(), help_text="1 Monday … 7.")
    starts_at = ClockTimeField()
    ends_at = ClockTimeField()
    holidays = serializers.ChoiceField(choices=["ANY", "NEVER", "ONLY"])
    price_per_kwh = serializers.DecimalField(max_digits=10, decimal_places=4)


class TariffSerializer(serializers.Serializer[Any]):
    """Prices include VAT."""

    id = serializers.IntegerField()
    version_id = serializers.IntegerField(
        help_text="Of these very prices: what a driver agrees to by creating a session."
    )
    name = serializers.CharField()
    currency = serializers.CharField()
    effective_from = serializers.DateTimeField()
    price_per_kwh = serializers.DecimalField(max_digits=10, decimal_places=4)
    price_per_minute = serializers.DecimalField(max_digits=10, decimal_places=4)
    price_per_session = serializers.DecimalField(max_digits=10, decimal_places=4)
    idle_price_per_minute = serializers.DecimalField(max_digits=10, decimal_places=4)
    idle_grace_minutes = serializers.IntegerField()
    vat_percent = serializers.DecimalField(max_digits=5, decimal_places=2)
    windows = TariffWindowSerializer(many=True)


class EvseTariffSerializer(serializers.Serializer[Any]):
    evse_id = serializers.IntegerField()
    tariff = TariffSerializer(allow_null=True)


class StationDetailSerializer(StationSerializer):
    tariffs = EvseTariffSerializer(many=True, help_text="What charging costs now, by EVSE.")


class FilterSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    connector_type = serializers.ChoiceField(choices=TYPES, required=False)
    min_power_kw = serializers.FloatField(required=False, min_value=0, max_value=10_000)
    available = serializers.BooleanField(required=False)
    q = serializers.CharField(
        required=False,
        max_length=100,
        help_text="Name, place or identity; a public code as a whole.",
    )
    site = serializers.CharField(required=False, max_length=200, help_text="Id or name.")
    operator = serializers.CharField(required=False, max_length=50, help_text="Its code.")


class OrderedFilterSerializer(FilterSerializer):
    ordering = serializers.ChoiceField(
        choices=[*ORDERINGS, *(f"-{name}" for name in ORDERINGS)], required=False
    )


class StationQuerySerializer(PageQuerySerializer, OrderedFilterSerializer):
    updated_since = serializers.DateTimeField(
        required=False,
        help_text="Only stations that changed since then: by people, in being online, by a status "
        "of a connector. What charging costs is no change of the station.",
    )


class FavouriteStationSerializer(StationSerializer):
    """A station of a list that is not one to keep copies by."""


class StationPageSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = StationSerializer(many=True)
    removed = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="With `updated_since`: identities of stations that are gone since then. Null: "
        "not asked for, or more than 1,000: read the whole list anew.",
    )


class NearbyQuerySerializer(FilterSerializer):
    radius_km = serializers.FloatField(required=False, default=10, min_value=0.01, max_value=200)


class NearbyPageQuerySerializer(PageQuerySerializer, NearbyQuerySerializer):
    pass


class PlaceSerializer(serializers.Serializer[Any]):
    latitude = serializers.FloatField(min_value=-90, max_value=90)
    longitude = serializers.FloatField(min_value=-180, max_value=180)


class ClusterQuerySerializer(FilterSerializer):
    south = serializers.FloatField(min_value=-90, max_value=90)
    west = serializers.FloatField(min_value=-180, max_value=180)
    north = serializers.FloatField(min_value=-90, max_value=90)
    east = serializers.FloatField(min_value=-180, max_value=180)
    zoom = serializers.IntegerField(
        min_value=0, max_value=MAX_ZOOM, help_text="Of the map; 0 shows the world on one tile."
    )


class BoundsSerializer(serializers.Serializer[Any]):
    south = serializers.FloatField()
    west = serializers.FloatField()
    north = serializers.FloatField()
    east = serializers.FloatField()


class ClusterSerializer(serializers.Serializer[Any]):
    latitude = serializers.FloatField(help_text="The middle of its stations.")
    longitude = serializers.FloatField()
    stations = serializers.IntegerField()
    available = serializers.IntegerField(help_text="Stations with a free connector.")
    bounds = BoundsSerializer(help_text="The box that holds its stations.")
    identity = serializers.CharField(
        allow_null=True, help_text="Of the only station, if it is one."
    )


class ClustersSerializer(serializers.Serializer[Any]):
    zoom = serializers.IntegerField()
    cell_degrees = serializers.FloatField()
    stations = serializers.IntegerField()
    clusters = ClusterSerializer(many=True)


class CheckedConnectorSerializer(ConnectorSerializer):
    evse_id = serializers.IntegerField()
    public_code = serializers.CharField()
    error_code = serializers.CharField(allow_blank=True)
    missing = serializers.ListField(
        child=serializers.ChoiceField(choices=["type", "max_power_kw", "status"])
    )


class ConnectorCheckSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField()
    is_online = serializers.BooleanField()
    connectors = CheckedConnectorSerializer(many=True)
    missing = serializers.ListField(
        child=serializers.ChoiceField(choices=["connection", "boot", "connectors"]),
        help_text="What the station itself still lacks.",
    )


# --- Alerts -------------------------------------------------------------------------------------
class AlertQuerySerializer(PageQuerySerializer):
    state = serializers.ChoiceField(
        choices=list(ALERT_STATES),
        required=False,
        help_text="`open`: acknowledged by nobody yet.",
    )
    kind = serializers.ChoiceField(choices=list(Alert.Kind.values), required=False)
    severity = serializers.ChoiceField(choices=list(Alert.Severity.values), required=False)
    identity = serializers.CharField(max_length=IDENTITY_LENGTH, required=False)


class AlertSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    identity = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(Alert.Kind.values))
    severity = serializers.ChoiceField(choices=list(Alert.Severity.values))
    state = serializers.ChoiceField(choices=list(ALERT_STATES))
    detail = serializers.CharField(
        allow_blank=True, help_text="Of the latest time; may hold a charger's words: untrusted."
    )
    count = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField(
        allow_null=True, help_text="Null also where an API key did it: see the audit trail."
    )
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(allow_null=True)
    resolution = serializers.CharField(allow_blank=True)


class AcknowledgeSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True, help_text="For the audit."
    )


class ResolveSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text="What was found and done.")


# --- Writing ------------------------------------------------------------------------------------
class NewConnectorSerializer(serializers.Serializer[Any]):
    evse_id = serializers.IntegerField(min_value=1, max_value=100)
    connector_id = serializers.IntegerField(min_value=1, max_value=100, default=1)
    type = serializers.ChoiceField(choices=TYPES)
    max_power_kw = serializers.FloatField(
        required=False, allow_null=True, default=None, min_value=0.1, max_value=10_000
    )


class OneConnectorSerializer(NewConnectorSerializer):
    identity = serializers.CharField(max_length=IDENTITY_LENGTH)


class ManyConnectorsSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField(max_length=IDENTITY_LENGTH)
    connectors = NewConnectorSerializer(many=True, min_length=1, max_length=100)  # type: ignore[call-arg]


class PlacedConnectorSerializer(ConnectorSerializer):
    identity = serializers.CharField()
    evse_id = serializers.IntegerField()
    public_code = serializers.CharField()


class StationFieldsSerializer(serializers.Serializer[Any]):
    """What people may set; the rest comes from the charger."""

    site = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    allowed_versions = serializers.ListField(
        child=serializers.ChoiceField(choices=VERSIONS), min_length=1, max_length=3, required=False
    )
    security_profile = serializers.ChoiceField(
        choices=list(Station.SecurityProfile.values), required=False
    )
    assumes_subprotocol = serializers.BooleanField(required=False)
    vendor = serializers.CharField(max_length=255, required=False, allow_blank=True)
    model = serializers.CharField(max_length=255, required=False, allow_blank=True)
    serial_number = serializers.CharField(max_length=255, required=False, allow_blank=True)
    registration_status = serializers.ChoiceField(choices=REGISTRATIONS, required=False)
    password = serializers.CharField(
        max_length=128, required=False, write_only=True, trim_whitespace=False
    )


class NewStationSerializer(StationFieldsSerializer):
    identity = serializers.CharField(max_length=IDENTITY_LENGTH)
    connectors = NewConnectorSerializer(many=True, required=False, max_length=100)  # type: ignore[call-arg]


class StationChangesSerializer(StationFieldsSerializer):
    """What is left out stays as it is."""

    site = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class CreatedStationSerializer(StationSerializer):
    password = serializers.CharField(
        allow_null=True, help_text="The password that was made up; shown this once."
    )


class NewSiteSerializer(serializers.Serializer[Any]):
    operator = serializers.SlugField(
        max_length=50, required=False, help_text="Its code; needed if you work for several."
    )
    name = serializers.CharField(max_length=200)
    name_th = serializers.CharField(max_length=200, required=False, allow_blank=True)
    address = serializers.CharField(max_length=500, required=False, allow_blank=True)
    district = serializers.CharField(max_length=100, required=False, allow_blank=True)
    province = serializers.CharField(max_length=100, required=False, allow_blank=True)
    postal_code = serializers.RegexField(r"^[0-9]{5}$", required=False)
    latitude = serializers.DecimalField(
        max_digits=9, decimal_places=6, min_value=-90, max_value=90, coerce_to_string=False
    )
    longitude = serializers.DecimalField(
        max_digits=9, decimal_places=6, min_value=-180, max_value=180, coerce_to_string=False
    )
    opening_hours = serializers.DictField(
        child=serializers.ListField(
            child=serializers.ListField(
                child=serializers.RegexField(r"^([01][0-9]|2[0-4]):[0-5][0-9]$"),
                min_length=2,
                max_length=2,
            ),
            max_length=10,
        ),
        required=False,
    )

    def validate_opening_hours(self, value: dict[str, Any]) -> dict[str, Any]:
        if not set(value) <= {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}:
            raise serializers.ValidationError("Days are mon, tue, wed, thu, fri, sat, sun.")
        return value
