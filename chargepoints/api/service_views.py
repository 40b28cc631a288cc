"""The partners' names for the same operations."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.api import examples
from chargepoints.api import serializers as forms
from chargepoints.api.admin_views import ADD_STATION, created_station
from chargepoints.api.views import StationDetailView, StationListView
from csms.common.api.examples import answered, sent
from csms.common.api.permissions import Access


class ServiceStationsView(StationListView):
    access: ClassVar = {
        "GET": Access(staff="chargepoints.view_station", scope="read"),
        "POST": ADD_STATION,
    }
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="service_chargepoints_list",
        summary="Stations",
        tags=["partners"],
        parameters=[forms.StationQuerySerializer],
        responses={200: forms.StationPageSerializer},
        examples=[answered(examples.STATION_PAGE)],
    )
    def get(self, request: Request) -> Response:
        return super().get(request)

    @extend_schema(
        operation_id="service_chargepoints_create",
        summary="Create a station",
        tags=["partners"],
        request=forms.NewStationSerializer,
        responses={201: forms.CreatedStationSerializer},
        examples=[
            sent(examples.NEW_STATION),
            answered({**examples.STATION, "password": "fR3…"}, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        return created_station(self, request)


@extend_schema_view(
    get=extend_schema(operation_id="service_chargepoints_retrieve", tags=["partners"]),
    put=extend_schema(operation_id="service_chargepoints_update", tags=["partners"]),
    delete=extend_schema(operation_id="service_chargepoints_delete", tags=["partners"]),
)
class ServiceStationView(StationDetailView):
    access: ClassVar = {
        **StationDetailView.access,
        "GET": Access(staff="chargepoints.view_station", scope="read"),
    }
