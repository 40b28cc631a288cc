"""Addresses of live feeds: of one connector, and of all that an operator has."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors.scope import is_staff_like
from chargepoints.selectors.stations import connector_numbered, get_visible
from csms.common.api.examples import answered
from csms.common.api.permissions import Access
from csms.common.api.tickets import EXAMPLE as TICKET
from csms.common.api.tickets import LiveTicketSerializer, live_ticket
from csms.common.api.views import ApiView

EVSE = OpenApiParameter(
    "evse_id",
    int,
    description="With it `connector_id` counts within the EVSE; without it is the connector's "
    "number at the station (that of its EVSE).",
)


class ConnectorFeedView(ApiView):
    access: ClassVar = {"GET": Access(signed_in=True)}

    @extend_schema(
        operation_id="chargepoints_websocket_url",
        summary="The address of a connector's live feed",
        description="With a ticket that opens it once within a minute.",
        tags=["chargepoints"],
        parameters=[EVSE],
        responses={200: LiveTicketSerializer},
        examples=[answered(TICKET)],
    )
    def get(self, request: Request, identity: str, connector_id: int) -> Response:
        station = get_visible(request.user, identity)
        evse_id = request.query_params.get("evse_id", "")
        connector = connector_numbered(station, connector_id, evse_id)
        kind = "staff-connector" if is_staff_like(request.user) else "connector"
        return Response(live_ticket(request, f"{kind}:{connector.pk}"))


class BoardFeedView(ApiView):
    access: ClassVar = {"POST": Access(staff="chargepoints.view_connector")}

    @extend_schema(
        operation_id="admin_live_ticket",
        summary="The address of the live board",
        description="Every connector of the caller's operators: first all of them (`state`), then "
        "those that changed (`changes`). What is longer than 256 kB comes in several messages, all "
        "but the last with an `id` of null, which voids the id that the client has: only from the "
        "`id` of the last can be resumed. The ticket opens it once within a minute.",
        tags=["operations"],
        request=None,
        responses={201: LiveTicketSerializer},
        examples=[answered(TICKET, 201)],
    )
    def post(self, request: Request) -> Response:
        return Response(live_ticket(request, "board"), status=201)
