from typing import Any

from rest_framework import serializers

from csms.common.api.fields import LineField
from notifications.domain.preferences import Topic, Way
from notifications.models import PushDevice

TOPICS = [one.value for one in Topic]
WAYS = [one.value for one in Way]


class PreferenceSerializer(serializers.Serializer[Any]):
    topic = serializers.ChoiceField(choices=TOPICS)
    way = serializers.ChoiceField(choices=WAYS)
    is_enabled = serializers.BooleanField()


class PreferencesSerializer(serializers.Serializer[Any]):
    preferences = PreferenceSerializer(many=True)


class PreferencesInputSerializer(serializers.Serializer[Any]):
    preferences = PreferenceSerializer(many=True, allow_empty=False, max_length=50)  # type: ignore[call-arg]


class PushDeviceInputSerializer(serializers.Serializer[Any]):
    platform = serializers.ChoiceField(choices=list(PushDevice.Platform.values))
    token = serializers.RegexField(
        r"^[\x21-\x7e]{8,4096}\Z", help_text="What the platform's push service calls this device."
    )
    name = LineField(max_length=100, required=False, allow_blank=True, default="")
    app_version = LineField(max_length=30, required=False, allow_blank=True, default="")


class PushDeviceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    platform = serializers.ChoiceField(choices=list(PushDevice.Platform.values))
    name = serializers.CharField(allow_blank=True)
    app_version = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    last_registered_at = serializers.DateTimeField()
