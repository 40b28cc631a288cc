"""What a tariff says now, for everybody who may charge by it."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.api.examples import TARIFF
from chargepoints.api.serializers import TariffSerializer
from csms.common import clock
from csms.common.api.examples import answered
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView
from transactions.api import representation
from transactions.selectors.tariffs import version_in_effect


class TariffView(ApiView):
    access: ClassVar = {"GET": Access(public=True, scope="read")}
    public_seconds = 60

    @extend_schema(
        operation_id="tariffs_retrieve",
        summary="A tariff with the prices in effect now",
        description="Everybody sees the tariffs in use: what is assigned to a station that is "
        "open to the public, and operators' defaults.",
        tags=["chargepoints"],
        responses={200: TariffSerializer},
        examples=[answered(TARIFF)],
    )
    def get(self, request: Request, tariff_id: int) -> Response:
        version = version_in_effect(request.user, tariff_id, clock.now())
        return Response(representation.tariff(version))
