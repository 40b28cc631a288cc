from typing import Any

from rest_framework import serializers

from accounts.api.personal_serializers import ConsentInputSerializer, ConsentSerializer
from accounts.domain.consents import Purpose
from accounts.domain.contacts import Channel
from accounts.domain.passwords import LONGEST_PASSWORD
from accounts.models.verifications import LANGUAGES

LANGUAGE_CODES = [code for code, _name in LANGUAGES]
PHONE_HELP = "A Thai mobile number: 0812345678, 66812345678 or +66812345678."
EITHER_HELP = "This or `phone`, not both."
PASSWORD_HELP = "At least 10 characters, compared in Unicode's form NFKC."  # noqa: S105


def password_field(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False, **options)


class ContactSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254, required=False, help_text=EITHER_HELP)
    phone = serializers.CharField(max_length=32, required=False, help_text=PHONE_HELP)


class RegistrationSerializer(ContactSerializer):
    password = password_field(help_text=PASSWORD_HELP)
    display_name = serializers.CharField(max_length=200, required=False)
    language = serializers.ChoiceField(
        choices=LANGUAGE_CODES, required=False, help_text="Else that of the request."
    )


class VerificationSerializer(serializers.Serializer[Any]):
    verification_id = serializers.UUIDField(help_text="The code works only together with this.")
    channel = serializers.ChoiceField(choices=[channel.value for channel in Channel])
    sent_to = serializers.CharField(help_text="What was given, shortened.")
    expires_at = serializers.DateTimeField()
    resend_after_seconds = serializers.IntegerField()


class CodeSerializer(serializers.Serializer[Any]):
    verification_id = serializers.UUIDField()
    code = serializers.RegexField(r"^[0-9]{6}$")


class ResendSerializer(serializers.Serializer[Any]):
    verification_id = serializers.UUIDField()


class VerifiedSerializer(serializers.Serializer[Any]):
    verified = serializers.ChoiceField(choices=[channel.value for channel in Channel])


class DeviceNameSerializer(serializers.Serializer[Any]):
    device_name = serializers.CharField(
        max_length=100, required=False, help_text="What the driver knows the device by."
    )


class LoginSerializer(ContactSerializer, DeviceNameSerializer):
    password = password_field()


class RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class LogoutSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(
        max_length=4096, required=False, help_text="Where the access token has expired."
    )


class OidcSerializer(DeviceNameSerializer):
    id_token = serializers.CharField(max_length=8192)
    nonce = serializers.CharField(
        min_length=8,
        max_length=200,
        help_text="What the app gave the provider, or what it gave the SHA-256 (hex) of.",
    )


class PasswordChangeSerializer(DeviceNameSerializer):
    current_password = password_field()
    new_password = password_field(help_text=PASSWORD_HELP)


class PasswordResetSerializer(CodeSerializer):
    password = password_field(help_text=PASSWORD_HELP)


class ProfileSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.EmailField(allow_null=True)
    phone = serializers.CharField(allow_null=True, help_text="E.164.")
    email_verified = serializers.BooleanField()
    phone_verified = serializers.BooleanField()
    display_name = serializers.CharField()
    language = serializers.ChoiceField(choices=LANGUAGE_CODES)
    has_password = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class OwnProfileSerializer(ProfileSerializer):
    consents = ConsentSerializer(many=True, help_text="What holds now, one of each purpose.")


class ProfileUpdateSerializer(ContactSerializer):
    display_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    language = serializers.ChoiceField(choices=LANGUAGE_CODES, required=False)
    consents = serializers.ListField(
        child=ConsentInputSerializer(),
        required=False,
        max_length=len(Purpose),
        help_text="As to `/api/consents`; purposes that are not named stay as they are.",
    )
    current_password = password_field(
        required=False, help_text="Needed with `email` or `phone`, if the account has one."
    )


class UpdatedProfileSerializer(OwnProfileSerializer):
    verification: Any = VerificationSerializer(
        allow_null=True, help_text="Of a new address or number: it counts once this is confirmed."
    )


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`.")
    refresh = serializers.CharField(help_text="Works once; the answer holds the next one.")
    token_type = serializers.ChoiceField(choices=["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds, of the access token.")
    expires_at = serializers.DateTimeField(help_text="Of the access token.")
    refresh_expires_at = serializers.DateTimeField(
        help_text="Then the driver signs in again, however often tokens were renewed."
    )


class SignedInSerializer(TokenPairSerializer):
    user = ProfileSerializer()


class DeviceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    device_name = serializers.CharField()
    user_agent = serializers.CharField()
    address = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    is_current = serializers.BooleanField()


class DevicesQuerySerializer(serializers.Serializer[Any]):
    keep_current = serializers.BooleanField(
        required=False, default=False, help_text="Leave the device that asks signed in."
    )


class IdentitySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    provider = serializers.CharField(help_text="`line`, `google` or `apple`.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
