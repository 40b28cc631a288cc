from typing import Any

from rest_framework import serializers

from accounts.api.personal_serializers import ProvinceSerializer
from csms.common.api.fields import LineField
from invoicing.domain.tax_ids import HEAD_OFFICE, Party

PARTIES = [one.value for one in Party]


class TaxInvoiceProfileInputSerializer(serializers.Serializer[Any]):
    party = serializers.ChoiceField(choices=PARTIES)
    tax_id = LineField(max_length=30, help_text="13 digits; hyphens and spaces do not matter.")
    branch = LineField(
        max_length=10,
        required=False,
        default=HEAD_OFFICE,
        help_text="Five digits; 00000 is the head office. Companies only.",
    )
    name = LineField(max_length=200)
    address = LineField(max_length=300, help_text="House number, building, street.")
    sub_district = LineField(max_length=100, help_text="Tambon or khwaeng.")
    district = LineField(max_length=100, help_text="Amphoe or khet.")
    province = LineField(max_length=50, help_text="Code, Thai or English name.")
    postal_code = serializers.RegexField(r"^[1-9][0-9]{4}\Z")
    email = serializers.EmailField(
        max_length=254, required=False, allow_blank=True, default="", help_text="For documents."
    )


class NewTaxInvoiceProfileSerializer(TaxInvoiceProfileInputSerializer):
    is_default = serializers.BooleanField(required=False, default=False)


class TaxInvoiceProfileSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    party = serializers.ChoiceField(choices=PARTIES)
    tax_id = serializers.CharField()
    branch = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField()
    sub_district = serializers.CharField()
    district = serializers.CharField()
    province = ProvinceSerializer()
    postal_code = serializers.CharField()
    email = serializers.EmailField(allow_blank=True)
    is_default = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
