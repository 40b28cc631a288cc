"""What staff create: sites ("stations" in the app's words), chargepoints and their connectors."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import actor_of
from accounts.models import ApiKey, User
from chargepoints.api import examples, representation, writing
from chargepoints.api import serializers as forms
from chargepoints.models import Connector, Station
from chargepoints.selectors.stations import get_visible
from chargepoints.services import stations
from csms.common.api.examples import answered, sent
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView

ADD_STATION = Access(staff="chargepoints.add_station", scope="operate")
ADD_CONNECTOR = Access(staff="chargepoints.add_connector", scope="operate")


def created_station(view: ApiView, request: Request) -> Response:
    given = view.validated(forms.NewStationSerializer, request.data)
    made, password = writing.create_station(actor_of(request), given)
    station = get_visible(request.user, made.identity)
    shown = representation.station(station, technical=True)
    return Response(
        {**shown, "password": password},
        status=201,
        headers={"Location": f"/api/chargepoints/{station.identity}"},
    )


class CreateStationView(ApiView):
    access: ClassVar = {"POST": ADD_STATION}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="admin_chargepoints_create",
        summary="Create a chargepoint",
        description="Without `password` one is made up where the security profile needs one, and "
        "shown this once.",
        tags=["administration"],
        request=forms.NewStationSerializer,
        responses={201: forms.CreatedStationSerializer},
        examples=[
            sent(examples.NEW_STATION),
            answered({**examples.STATION, "password": "fR3…"}, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        return created_station(self, request)


class CreateSiteView(ApiView):
    access: ClassVar = {"POST": Access(staff="chargepoints.add_site", scope="operate")}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="admin_stations_create",
        summary="Create a station: a place with chargepoints",
        description="What the app calls a station is a site here. Its `id` is the `site` of a "
        "chargepoint.",
        tags=["administration"],
        request=forms.NewSiteSerializer,
        responses={201: forms.SiteSerializer},
        examples=[
            sent(
                {
                    "operator": "bangkok-ev",
                    "name": "Siam Square",
                    "latitude": 13.74557,
                    "longitude": 100.53496,
                }
            ),
            answered(examples.SITE, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.NewSiteSerializer, request.data)
        return Response(
            representation.site(writing.create_site(actor_of(request), given)), status=201
        )


class CreateConnectorView(ApiView):
    access: ClassVar = {"POST": ADD_CONNECTOR}
    problem_statuses: ClassVar = {"POST": (404, 409)}

    @extend_schema(
        operation_id="admin_connectors_create",
        summary="Add a connector to a chargepoint",
        tags=["administration"],
        request=forms.OneConnectorSerializer,
        responses={201: forms.PlacedConnectorSerializer},
        examples=[
            sent({"identity": "TH-BKK-0001", **examples.NEW_CONNECTOR}),
            answered(examples.PLACED_CONNECTOR, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.OneConnectorSerializer, request.data)
        station = get_visible(request.user, given["identity"])
        made = _add(actor_of(request), station, [given])
        return Response(made[0], status=201)


class CreateConnectorsView(ApiView):
    access: ClassVar = {"POST": ADD_CONNECTOR}
    problem_statuses: ClassVar = {"POST": (404, 409)}

    @extend_schema(
        operation_id="chargepoints_create_connectors",
        summary="Add several connectors to a chargepoint, all or none",
        tags=["administration"],
        request=forms.ManyConnectorsSerializer,
        responses={201: forms.PlacedConnectorSerializer(many=True)},
        examples=[
            sent({"identity": "TH-BKK-0001", "connectors": [examples.NEW_CONNECTOR]}),
            answered(examples.PLACED_CONNECTOR, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.ManyConnectorsSerializer, request.data)
        station = get_visible(request.user, given["identity"])
        return Response(_add(actor_of(request), station, given["connectors"]), status=201)


class StationConnectorsView(ApiView):
    access: ClassVar = {"GET": Access(staff="chargepoints.view_connector", scope="read")}

    @extend_schema(
        operation_id="admin_chargepoints_connectors",
        summary="A chargepoint's connectors",
        tags=["administration"],
        responses={200: forms.PlacedConnectorSerializer(many=True)},
        examples=[answered(examples.PLACED_CONNECTOR)],
    )
    def get(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        return Response(
            [
                representation.placed_connector(connector, station)
                for evse in station.evses.all()
                for connector in evse.connectors.all()
            ]
        )


def _add(
    caller: User | ApiKey, station: Station, given: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    made: list[Connector] = stations.create_connectors(
        station, connectors=writing.new_connectors(given), actor=caller
    )
    return [representation.placed_connector(connector, station) for connector in made]
