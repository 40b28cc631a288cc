"""Operations on chargers, what was said to and by them, and who is connected."""

from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import actor_of
from chargepoints.models import Command
from chargepoints.selectors import commands as command_rows
from chargepoints.selectors.stations import get_visible
from csms.common import clock
from csms.common.api.csv import CsvRenderer
from csms.common.api.examples import answered, cursor_page, page, sent
from csms.common.api.idempotent import IDEMPOTENCY_KEY
from csms.common.api.json import OrjsonRenderer
from csms.common.api.pagination import NewestFirstByTimeCursor
from csms.common.api.permissions import Access
from csms.common.api.schema import cursor_page_of, page_of
from csms.common.api.views import ApiView
from csms.common.errors import NotFound
from ocpp_gateway import selectors
from ocpp_gateway.api import examples, representation
from ocpp_gateway.api import serializers as forms
from ocpp_gateway.api.checking import verdict_on
from ocpp_gateway.api.waiting import wait_until_settled
from ocpp_gateway.services.requesting import adapter_of, request_command, request_raw

OPERATE = Access(staff="chargepoints.add_command", scope="operate")
CONNECTIONS = Access(staff="ocpp_gateway.view_stationconnection", scope="read")
EXPORT_LIMIT = 10_000
LOCATION = OpenApiParameter(
    "Location",
    str,
    OpenApiParameter.HEADER,
    response=[202],
    description="Where the command's outcome is.",
)


def _queued(command: Command) -> Response:
    location = reverse("admin-command", kwargs={"command_id": command.pk})
    return Response(representation.command(command), status=202, headers={"Location": location})


def _envelope(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "idempotency_key": request.headers.get("Idempotency-Key"),
        "reason": given["reason"],
        "expires_in_seconds": given["expires_in_seconds"],
    }


class CommandsView(ApiView):
    access: ClassVar = {"POST": OPERATE}
    problem_statuses: ClassVar = {"POST": (409, 422)}

    @extend_schema(
        operation_id="admin_chargepoints_commands",
        summary="Ask a charger to do something",
        description="Checked against the charger's OCPP version, stored, and sent as soon as the "
        "charger is reached. The outcome is at the address in `Location`.",
        tags=["operations"],
        parameters=[IDEMPOTENCY_KEY, LOCATION],
        request=forms.CommandRequestSerializer,
        responses={202: forms.CommandSerializer},
        examples=[
            sent({"command": "start_charging", "connector_id": 1, "id_token": "CARD0001"}),
            sent({"command": "reset", "type": "soft", "reason": "screen is stuck"}, "reset"),
            sent(
                {
                    "command": "reserve",
                    "connector_id": 1,
                    "id_token": "CARD0001",
                    "expires_at": "2026-12-01T18:00:00+07:00",
                },
                "reserve",
            ),
            sent(
                {"command": "set_charging_limit", "connector_id": 1, "limit": "16.0", "unit": "A"},
                "limit",
            ),
            answered(examples.COMMAND, 202),
        ],
    )
    def post(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.CommandRequestSerializer, request.data)
        parameters = {k: v for k, v in dict(request.data).items() if k not in forms.ENVELOPE}
        command = request_command(
            actor_of(request), station, given["command"], parameters, **_envelope(request, given)
        )
        return _queued(command)


class RawRequestView(ApiView):
    access: ClassVar = {"POST": OPERATE}
    problem_statuses: ClassVar = {"POST": (409, 422)}

    @extend_schema(
        operation_id="admin_chargepoints_ocpp",
        summary="Send any request of the charger's own OCPP version",
        tags=["operations"],
        parameters=[IDEMPOTENCY_KEY, LOCATION],
        request=forms.RawRequestSerializer,
        responses={202: forms.CommandSerializer},
        examples=[
            sent({"action": "GetConfiguration", "payload": {"key": ["HeartbeatInterval"]}}),
            answered(
                {
                    **examples.COMMAND,
                    "command": "ocpp",
                    "parameters": {
                        "action": "GetConfiguration",
                        "payload": {"key": ["HeartbeatInterval"]},
                    },
                },
                202,
            ),
        ],
    )
    def post(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.RawRequestSerializer, request.data)
        command = request_raw(
            actor_of(request),
            station,
            given["action"],
            given["payload"],
            **_envelope(request, given),
        )
        return _queued(command)


class CommandView(ApiView):
    access: ClassVar = {"GET": Access(staff="chargepoints.view_command", scope="operate")}

    @extend_schema(
        operation_id="admin_commands_retrieve",
        summary="A command's state and answer",
        description="With `wait` the answer comes when the command is final, at the latest after "
        "that many seconds.",
        tags=["operations"],
        parameters=[forms.WaitQuerySerializer],
        responses={200: forms.CommandSerializer},
        examples=[answered(examples.ANSWERED)],
    )
    def get(self, request: Request, command_id: UUID) -> Response:
        given = self.validated(forms.WaitQuerySerializer, request.query_params.dict())
        command = command_rows.find(request.user, command_id)
        if given["wait"]:
            wait_until_settled(command.pk, given["wait"])
            command.refresh_from_db()
        return Response(representation.command(command))


class MessagesView(ApiView):
    access: ClassVar = {"GET": Access(staff="ocpp_gateway.view_message", scope="read")}
    renderer_classes = (OrjsonRenderer, CsvRenderer)
    pagination_class = NewestFirstByTimeCursor

    @extend_schema(
        operation_id="admin_chargepoints_messages",
        summary="The archive of a charger's frames, newest first",
        description="Every CALL with its answer and latency. `Accept: text/csv` exports up to "
        "10,000 frames.",
        tags=["operations"],
        parameters=[forms.MessageQuerySerializer],
        responses={200: cursor_page_of(forms.MessageSerializer), (200, "text/csv"): str},
        examples=[answered(cursor_page(examples.MESSAGE))],
    )
    def get(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.MessageQuerySerializer, request.query_params.dict())
        rows = selectors.messages_of(station)
        for name in ("action", "type", "direction", "message_id"):
            if given.get(name):
                rows = rows.filter(**{name: given[name]})
        if given.get("since"):
            rows = rows.filter(at__gte=given["since"])
        if given.get("until"):
            rows = rows.filter(at__lt=given["until"])
        if isinstance(request.accepted_renderer, CsvRenderer):
            name = f"messages-{station.pk}.csv"
            return Response(
                [representation.flat_message(row) for row in rows[:EXPORT_LIMIT]],
                headers={"Content-Disposition": f'attachment; filename="{name}"'},
            )
        paginator = NewestFirstByTimeCursor()
        found = paginator.paginate_queryset(rows, request, view=self) or []
        return paginator.get_paginated_response(representation.messages(found))


class ConnectionsView(ApiView):
    access: ClassVar = {"GET": CONNECTIONS}

    @extend_schema(
        operation_id="connections_list",
        summary="Chargers that are connected now",
        tags=["gateway"],
        parameters=[forms.ConnectionQuerySerializer],
        responses={200: page_of(forms.ConnectionSerializer)},
        examples=[answered(page(examples.CONNECTION))],
    )
    def get(self, request: Request) -> Response:
        rows = selectors.connections_visible_to(request.user)
        return self.page(request, rows, representation.connection)


class ConnectionView(ApiView):
    access: ClassVar = {"GET": CONNECTIONS}

    @extend_schema(
        operation_id="connections_retrieve",
        summary="One charger's connection; 404 while it is not connected",
        tags=["gateway"],
        responses={200: forms.ConnectionSerializer},
        examples=[answered(examples.CONNECTION)],
    )
    def get(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        row = selectors.connections_visible_to(request.user).filter(station=station).first()
        if row is None:
            raise NotFound
        return Response(representation.connection(row))


class FrameCheckView(ApiView):
    access: ClassVar = {"POST": Access(scope="gateway")}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="chargepoints_validate_ocpp",
        summary="Is this frame from a charger valid?",
        description="`reply` is the CALLERROR that the gateway would send.",
        tags=["gateway"],
        request=forms.FrameCheckSerializer,
        responses={200: forms.FrameVerdictSerializer},
        examples=[
            sent({"version": "1.6", "frame": [2, "42", "Heartbeats", {}]}),
            answered(examples.VERDICT),
        ],
    )
    def post(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.FrameCheckSerializer, request.data)
        adapter = adapter_of(station, given.get("version", ""))
        return Response(verdict_on(given["frame"], adapter, given["action"], clock.now()))
