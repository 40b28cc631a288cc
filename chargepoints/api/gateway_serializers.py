"""The forms of what an external gateway reports and asks."""

from typing import Any

from rest_framework import serializers

from chargepoints.api.serializers import IDENTITY_LENGTH, REGISTRATIONS, STATUSES
from chargepoints.domain.identities import VERSIONS
from csms.common.api.queries import PageQuerySerializer

REPORTED_STATUSES = [status for status in STATUSES if status != "Unknown"]


class ConnectionReportSerializer(serializers.Serializer[Any]):
    connected = serializers.BooleanField()
    version = serializers.ChoiceField(
        choices=VERSIONS, required=False, default="ocpp1.6", help_text="Where it is connected."
    )


class ConnectionStateSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField()
    is_online = serializers.BooleanField()
    connected_at = serializers.DateTimeField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)


class HeartbeatAnswerSerializer(serializers.Serializer[Any]):
    current_time = serializers.DateTimeField()


class StatusReportSerializer(serializers.Serializer[Any]):
    connector_id = serializers.IntegerField(
        min_value=0, max_value=100, help_text="0: the station itself."
    )
    evse_id = serializers.IntegerField(
        min_value=0,
        max_value=100,
        required=False,
        help_text="Left out, `connector_id` counts as in OCPP 1.6: connector N of the station.",
    )
    status = serializers.ChoiceField(choices=REPORTED_STATUSES)
    error_code = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    info = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)
    vendor_id = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    vendor_error_code = serializers.CharField(
        max_length=255, required=False, default="", allow_blank=True
    )
    timestamp = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="The charger's clock."
    )


class BootReportSerializer(serializers.Serializer[Any]):
    vendor = serializers.CharField(max_length=255)
    model = serializers.CharField(max_length=255)
    serial_number = serializers.CharField(
        max_length=255, required=False, default="", allow_blank=True
    )
    firmware_version = serializers.CharField(
        max_length=255, required=False, default="", allow_blank=True
    )
    iccid = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    imsi = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    meter_type = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    meter_serial_number = serializers.CharField(
        max_length=255, required=False, default="", allow_blank=True
    )
    reason = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)


class BootAnswerSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=REGISTRATIONS)
    interval = serializers.IntegerField(help_text="Seconds.")
    current_time = serializers.DateTimeField()


class WhitelistQuestionSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField(max_length=IDENTITY_LENGTH)
    serial_number = serializers.CharField(
        max_length=255, required=False, default="", allow_blank=True
    )
    ip = serializers.IPAddressField(
        required=False, allow_null=True, default=None, help_text="No rule restricts it."
    )


class WhitelistAnswerSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    reason = serializers.ChoiceField(
        choices=["", "unknown", "registration_rejected", "serial_number_differs"], allow_blank=True
    )
    allowed_versions = serializers.ListField(child=serializers.ChoiceField(choices=VERSIONS))
    security_profile = serializers.IntegerField(allow_null=True)


class GatewayStationSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField()
    allowed_versions = serializers.ListField(child=serializers.ChoiceField(choices=VERSIONS))
    security_profile = serializers.IntegerField()
    assumes_subprotocol = serializers.BooleanField()
    registration_status = serializers.ChoiceField(choices=REGISTRATIONS)


class GatewayStationQuerySerializer(PageQuerySerializer):
    pass
