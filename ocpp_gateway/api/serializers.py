"""The forms of commands, raw requests, archived frames and connections."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.domain.states import CommandStatus
from csms.common.api.queries import CursorQuerySerializer, PageQuerySerializer
from ocpp_gateway.models import Message
from ocpp_gateway.versions import ADAPTERS

COMMANDS = sorted({name for adapter in ADAPTERS.values() for name in adapter.commands} - {"ocpp"})
VERSIONS = sorted({adapter.version for adapter in ADAPTERS.values()} | set(ADAPTERS))
# Not parameters of a command, but of the request for one.
ENVELOPE = ("command", "reason", "expires_in_seconds")


@extend_schema_field({"type": "object", "additionalProperties": {}})
class AnyObjectField(serializers.DictField):
    pass


@extend_schema_field({})
class AnythingField(serializers.JSONField):
    pass


class RequestFieldsSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=500, help_text="For the audit."
    )
    expires_in_seconds = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=7 * 24 * 3600,
        help_text="Given up if the charger is not reached by then; 300 by default.",
    )


class CommandRequestSerializer(RequestFieldsSerializer):
    """Parameters stand beside `command`; which ones depends on it."""

    command = serializers.ChoiceField(choices=COMMANDS)
    connector_id = AnythingField(required=False, help_text="Of start_charging, unlock, …")
    evse_id = AnythingField(required=False)
    id_token = AnythingField(required=False, help_text="Of start_charging.")
    charging_profile = AnythingField(
        required=False, help_text="Of start_charging: a TxProfile in the form of the OCPP version."
    )
    transaction_id = AnythingField(required=False, help_text="Of stop_charging, charging limits.")
    type = AnythingField(required=False, help_text="Of reset: soft or hard.")
    available = AnythingField(required=False, help_text="Of change_availability.")
    key = AnythingField(required=False, help_text="Of set_configuration.")
    value = AnythingField(required=False, help_text="Of set_configuration.")
    keys = AnythingField(required=False, help_text="Of get_configuration.")
    message = AnythingField(required=False, help_text="Of trigger.")
    vendor_id = AnythingField(required=False, help_text="Of data_transfer.")
    message_id = AnythingField(required=False, help_text="Of data_transfer.")
    # The framework takes fields out of the class, so that its own `data` stays.
    data = AnythingField(  # type: ignore[assignment]
        required=False, help_text="Of data_transfer: a text."
    )
    expires_at = AnythingField(required=False, help_text="Of reserve: until when.")
    reservation_id = AnythingField(required=False, help_text="Of cancel_reservation.")
    update_type = AnythingField(
        required=False, help_text="Of send_local_list: full, or differential where that suffices."
    )
    purpose = AnythingField(
        required=False, help_text="Of charging limits: station_max, default or transaction."
    )
    limit = AnythingField(required=False, help_text="Of set_charging_limit; one decimal at most.")
    unit = AnythingField(required=False, help_text="Of charging limits: A or W.")
    periods = AnythingField(
        required=False, help_text="Of set_charging_limit: [{start, limit, phases}], in seconds."
    )
    phases = AnythingField(required=False, help_text="Of set_charging_limit: 1 to 3, with limit.")
    stack_level = AnythingField(required=False, help_text="Of charging limits.")
    kind = AnythingField(
        required=False, help_text="Of set_charging_limit: absolute, recurring or relative."
    )
    recurrence = AnythingField(
        required=False, help_text="Of set_charging_limit, if recurring: daily or weekly."
    )
    starts_at = AnythingField(required=False, help_text="Of set_charging_limit, if not relative.")
    valid_from = AnythingField(required=False, help_text="Of set_charging_limit.")
    valid_to = AnythingField(required=False, help_text="Of set_charging_limit.")
    profile_id = AnythingField(required=False, help_text="Of clear_charging_limit.")
    duration = AnythingField(required=False, help_text="Of charging limits: seconds.")
    location = AnythingField(
        required=False, help_text="Of update_firmware, get_diagnostics, get_logs: an address."
    )
    retries = AnythingField(required=False, help_text="How often a transfer is tried again.")
    retry_interval = AnythingField(required=False, help_text="Seconds between these.")
    retrieve_at = AnythingField(required=False, help_text="Of update_firmware; now if left out.")
    install_at = AnythingField(required=False, help_text="Of update_firmware, a signed one.")
    since = AnythingField(required=False, help_text="Of get_diagnostics, get_logs.")
    until = AnythingField(required=False, help_text="Of get_diagnostics, get_logs.")
    signature = AnythingField(
        required=False, help_text="Of update_firmware, with signing_certificate: a signed one."
    )
    signing_certificate = AnythingField(required=False)
    log_type = AnythingField(required=False, help_text="Of get_logs: diagnostics or security.")
    certificate_type = AnythingField(
        required=False, help_text="Of certificates: central_system_root or manufacturer_root."
    )
    certificate = AnythingField(required=False, help_text="Of install_certificate: PEM.")
    hash_algorithm = AnythingField(
        required=False,
        help_text="Of delete_certificate: sha256, sha384 or sha512; left out: as it was listed.",
    )
    issuer_name_hash = AnythingField(required=False, help_text="Of delete_certificate.")
    issuer_key_hash = AnythingField(required=False, help_text="Of delete_certificate.")
    serial_number = AnythingField(required=False, help_text="Of delete_certificate.")


class RawRequestSerializer(RequestFieldsSerializer):
    action = serializers.CharField(max_length=50)
    payload = AnyObjectField(required=False, default=dict)


class CommandSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    identity = serializers.CharField()
    command = serializers.CharField(help_text="`ocpp`: a raw request.")
    parameters = AnyObjectField()
    status = serializers.ChoiceField(choices=[s.value for s in CommandStatus])
    is_final = serializers.BooleanField(
        help_text="TIMED_OUT counts: only a late answer can still change it."
    )
    requested_at = serializers.DateTimeField()
    requested_by = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    expires_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    latency_ms = serializers.IntegerField(allow_null=True)
    is_late = serializers.BooleanField()
    action = serializers.CharField(allow_blank=True, help_text="The OCPP action that was sent.")
    message_id = serializers.CharField(allow_blank=True)
    request = AnythingField()
    response = AnythingField()
    error = serializers.CharField(allow_blank=True)


class WaitQuerySerializer(serializers.Serializer[Any]):
    wait = serializers.FloatField(
        required=False, default=0, min_value=0, max_value=30, help_text="Seconds, 30 at most."
    )


class MessageQuerySerializer(CursorQuerySerializer):
    action = serializers.CharField(required=False, max_length=50)
    type = serializers.ChoiceField(choices=list(Message.Type.values), required=False)
    direction = serializers.ChoiceField(choices=list(Message.Direction.values), required=False)
    message_id = serializers.CharField(required=False, max_length=36)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class AnswerFrameSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    type = serializers.ChoiceField(choices=["CALLRESULT", "CALLERROR"])
    frame = serializers.CharField()
    latency_ms = serializers.IntegerField(allow_null=True)


class MessageSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    direction = serializers.ChoiceField(
        choices=list(Message.Direction.values), help_text="IN: from the charger."
    )
    type = serializers.ChoiceField(choices=list(Message.Type.values))
    action = serializers.CharField(allow_blank=True)
    message_id = serializers.CharField(allow_blank=True)
    epoch = serializers.IntegerField(help_text="Counts the charger's connections.")
    frame = serializers.CharField(allow_blank=True, help_text="As sent; secrets are masked.")
    latency_ms = serializers.IntegerField(allow_null=True)
    answer = AnswerFrameSerializer(allow_null=True, help_text="Of a CALL.")


class NodeSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    host = serializers.CharField()
    process_id = serializers.IntegerField()


class ConnectionSerializer(serializers.Serializer[Any]):
    identity = serializers.CharField()
    version = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    last_message_at = serializers.DateTimeField(allow_null=True)
    in_flight = serializers.CharField(
        allow_null=True, help_text="The request that waits for the charger's answer."
    )
    remote_address = serializers.CharField(allow_blank=True)
    epoch = serializers.IntegerField()
    node = NodeSerializer(allow_null=True)


class ConnectionQuerySerializer(PageQuerySerializer):
    pass


@extend_schema_field({"type": ["string", "array"], "items": {}})
class FrameField(serializers.JSONField):
    pass


class FrameCheckSerializer(serializers.Serializer[Any]):
    version = serializers.ChoiceField(
        choices=VERSIONS, required=False, help_text="Left out: what the station speaks."
    )
    frame = FrameField(help_text="The text of the frame, or the JSON array.")
    action = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=50,
        help_text="For a CALLRESULT: which request it answers.",
    )


class FrameVerdictSerializer(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    version = serializers.CharField()
    type = serializers.ChoiceField(choices=["CALL", "CALLRESULT", "CALLERROR", "MALFORMED"])
    action = serializers.CharField(allow_blank=True)
    message_id = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    tolerated = serializers.ListField(
        child=serializers.CharField(), help_text="Deviations that the gateway lets through."
    )
    reply = AnythingField(help_text="The CALLERROR that the gateway would send; null: none.")
