from typing import Any

from rest_framework import serializers

from accounts.domain.states import Role


class StaffLoginSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False)
    code = serializers.CharField(
        max_length=32, help_text="The authenticator's six digits, or one of the backup codes."
    )


class StaffSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    display_name = serializers.CharField()
    role = serializers.ChoiceField(choices=[r.value for r in Role])
    operators = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the operators; SUPERADMIN sees all."
    )


class StaffTokenSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`.")
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds.")
    expires_at = serializers.DateTimeField()
    user = StaffSerializer()
