"""To whom a driver's tax invoices are made out."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import person_of
from accounts.api.personal_representation import province
from csms.common.api.examples import answered, page, sent
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView
from invoicing.api import serializers as forms
from invoicing.models import TaxInvoiceProfile
from invoicing.selectors import profiles as profile_rows
from invoicing.services import profiles
from invoicing.services.profiles import ProfileData

DRIVER = Access(driver=True)
TAGS = ["tax invoice profiles"]
SENT: dict[str, Any] = {
    "party": "COMPANY",
    "tax_id": "0105544046602",
    "branch": "00000",
    "name": "บริษัท ตัวอย่าง จำกัด",
    "address": "99/1 ถนนพระรามที่ 1",
    "sub_district": "ปทุมวัน",
    "district": "ปทุมวัน",
    "province": "กรุงเทพมหานคร",
    "postal_code": "10330",
    "email": "accounting@example.com",
}
PROFILE: dict[str, Any] = {
    **SENT,
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f05",
    "province": {"code": "10", "name_th": "กรุงเทพมหานคร", "name_en": "Bangkok"},
    "is_default": True,
    "created_at": "2026-11-20T05:00:00Z",
    "updated_at": "2026-11-20T05:00:00Z",
}


def _shown(row: TaxInvoiceProfile) -> dict[str, Any]:
    return {
        "id": row.pk,
        "party": row.party,
        "tax_id": row.tax_id,
        "branch": row.branch,
        "name": row.name,
        "address": row.address,
        "sub_district": row.sub_district,
        "district": row.district,
        "province": province(row.province),
        "postal_code": row.postal_code,
        "email": row.email,
        "is_default": row.is_default,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


class ProfilesView(ApiView):
    access: ClassVar = {"POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="tax_invoice_profiles_create",
        summary="Add a tax invoice profile",
        description="The first one is the default. The tax id's check digit must fit; companies' "
        "begin with 0, persons' do not.",
        tags=TAGS,
        request=forms.NewTaxInvoiceProfileSerializer,
        responses={201: forms.TaxInvoiceProfileSerializer},
        examples=[sent({**SENT, "is_default": True}), answered(PROFILE, 201)],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.NewTaxInvoiceProfileSerializer, request.data)
        is_default = given.pop("is_default")
        profile = profiles.add(person_of(request), ProfileData(**given), is_default=is_default)
        return Response(_shown(profile), status=201)


class UserProfilesView(ApiView):
    access: ClassVar = {"GET": Access(driver=True, staff=profile_rows.VIEW)}

    @extend_schema(
        operation_id="tax_invoice_profiles_list",
        summary="A driver's tax invoice profiles, the default first",
        description="One's own; staff see those of drivers who charged at their stations.",
        tags=TAGS,
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.TaxInvoiceProfileSerializer)},
        examples=[answered(page(PROFILE))],
    )
    def get(self, request: Request, user_id: int) -> Response:
        return self.page(request, profile_rows.of_user(person_of(request), user_id), _shown)


class ProfileView(ApiView):
    access: ClassVar = {"PUT": DRIVER, "DELETE": DRIVER}
    problem_statuses: ClassVar = {"PUT": (409,)}

    @extend_schema(
        operation_id="tax_invoice_profiles_update",
        summary="Replace what a tax invoice profile says",
        description="Documents that were issued keep what they say.",
        tags=TAGS,
        request=forms.TaxInvoiceProfileInputSerializer,
        responses={200: forms.TaxInvoiceProfileSerializer},
        examples=[sent(SENT), answered(PROFILE)],
    )
    def put(self, request: Request, profile_id: UUID) -> Response:
        driver = person_of(request)
        profile_rows.find_own(driver, profile_id)
        given = self.validated(forms.TaxInvoiceProfileInputSerializer, request.data)
        return Response(_shown(profiles.change(driver, profile_id, ProfileData(**given))))

    @extend_schema(
        operation_id="tax_invoice_profiles_delete",
        summary="Remove a tax invoice profile",
        description="If it was the default, the oldest of the others is from now on.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, profile_id: UUID) -> Response:
        profiles.remove(person_of(request), profile_id)
        return Response(status=204)


class DefaultProfileView(ApiView):
    access: ClassVar = {"PUT": DRIVER}

    @extend_schema(
        operation_id="tax_invoice_profiles_set_default",
        summary="Make a tax invoice profile the default",
        tags=TAGS,
        request=None,
        responses={200: forms.TaxInvoiceProfileSerializer},
        examples=[answered(PROFILE)],
    )
    def put(self, request: Request, profile_id: UUID) -> Response:
        return Response(_shown(profiles.choose_default(person_of(request), profile_id)))
