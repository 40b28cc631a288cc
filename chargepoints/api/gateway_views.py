"""What an external gateway reports and asks, with a key of scope `gateway`."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.api import examples, representation
from chargepoints.api import gateway_serializers as forms
from chargepoints.api import serializers as station_forms
from chargepoints.domain.reports import BootReport, StatusReport
from chargepoints.domain.states import ConnectorStatus, RegistrationStatus
from chargepoints.models import Station
from chargepoints.selectors.stations import get_visible, visible_to
from chargepoints.services import presence, registration, status
from csms.common import clock
from csms.common.api.examples import answered, page, sent
from csms.common.api.pagination import LargePagePagination
from csms.common.api.permissions import Access
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView
from csms.common.errors import NotFound

GATEWAY = Access(scope="gateway")
NOW = "2026-11-20T04:58:11Z"


class ConnectionStatusView(ApiView):
    access: ClassVar = {"PUT": GATEWAY}

    @extend_schema(
        operation_id="chargepoints_connection_status",
        summary="A charger connected or disconnected",
        tags=["gateway"],
        request=forms.ConnectionReportSerializer,
        responses={200: forms.ConnectionStateSerializer},
        examples=[
            sent({"connected": True, "version": "ocpp1.6"}),
            answered(
                {
                    "identity": "TH-BKK-0001",
                    "is_online": True,
                    "connected_at": NOW,
                    "last_seen_at": NOW,
                }
            ),
        ],
    )
    def put(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.ConnectionReportSerializer, request.data)
        if given["connected"]:
            presence.mark_connected(station.pk, version=given["version"], at=clock.now())
        else:
            presence.mark_disconnected(station.pk)
        station.refresh_from_db(fields=["is_online", "connected_at", "last_seen_at"])
        return Response(
            {
                "identity": station.identity,
                "is_online": station.is_online,
                "connected_at": station.connected_at,
                "last_seen_at": station.last_seen_at,
            }
        )


class HeartbeatView(ApiView):
    access: ClassVar = {"POST": GATEWAY}

    @extend_schema(
        operation_id="chargepoints_heartbeat",
        summary="A charger is there",
        tags=["gateway"],
        request=None,
        responses={200: forms.HeartbeatAnswerSerializer},
        examples=[answered({"current_time": NOW})],
    )
    def post(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        now = clock.now()
        presence.record_seen({station.pk: now})
        return Response({"current_time": now})


class StatusView(ApiView):
    access: ClassVar = {"POST": GATEWAY}

    @extend_schema(
        operation_id="chargepoints_status",
        summary="The status of a connector, or of the station",
        tags=["gateway"],
        request=forms.StatusReportSerializer,
        responses={200: station_forms.ConnectorCheckSerializer},
        examples=[
            sent({"connector_id": 1, "status": "Charging", "timestamp": NOW}),
            answered(examples.CHECK),
        ],
    )
    def post(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.StatusReportSerializer, request.data)
        evse_id, connector_id = _place(given.get("evse_id"), given["connector_id"])
        status.report_status(
            station.pk,
            StatusReport(
                received_at=clock.now(),
                evse_id=evse_id,
                connector_id=connector_id,
                status=ConnectorStatus(given["status"]),
                reported_at=given["timestamp"],
                error_code=given["error_code"],
                info=given["info"],
                vendor_id=given["vendor_id"],
                vendor_error_code=given["vendor_error_code"],
            ),
        )
        return Response(representation.check(get_visible(request.user, identity), technical=True))


def _place(evse_id: int | None, connector_id: int) -> tuple[int, int]:
    """OCPP 1.6 counts connectors flat: its connector N is EVSE N with connector 1."""
    if evse_id is not None:
        return evse_id, connector_id
    return connector_id, 1 if connector_id else 0


class BootView(ApiView):
    access: ClassVar = {"POST": GATEWAY}

    @extend_schema(
        operation_id="chargepoints_update_from_boot",
        summary="A charger booted",
        tags=["gateway"],
        request=forms.BootReportSerializer,
        responses={200: forms.BootAnswerSerializer},
        examples=[
            sent({"vendor": "ABB", "model": "Terra 124", "firmware_version": "1.8.2"}),
            answered({"status": "Accepted", "interval": 300, "current_time": NOW}),
        ],
    )
    def post(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.BootReportSerializer, request.data)
        answer = registration.register_boot(
            station.pk, BootReport(received_at=clock.now(), **given)
        )
        return Response(
            {
                "status": answer.status.value,
                "interval": answer.interval_seconds,
                "current_time": answer.at,
            }
        )


class WhitelistView(ApiView):
    access: ClassVar = {"POST": GATEWAY}

    @extend_schema(
        operation_id="chargepoints_validate_whitelist",
        summary="May a charger of this identity connect?",
        description="An unknown identity is an answer, not an error.",
        tags=["gateway"],
        request=forms.WhitelistQuestionSerializer,
        responses={200: forms.WhitelistAnswerSerializer},
        examples=[
            sent({"identity": "TH-BKK-0001", "serial_number": "T124-0042"}),
            answered(
                {
                    "allowed": True,
                    "reason": "",
                    "allowed_versions": ["ocpp1.6"],
                    "security_profile": 1,
                }
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.WhitelistQuestionSerializer, request.data)
        try:
            station = get_visible(request.user, given["identity"])
        except NotFound:
            return Response(
                {
                    "allowed": False,
                    "reason": "unknown",
                    "allowed_versions": [],
                    "security_profile": None,
                }
            )
        reason = _objection(station, given["serial_number"])
        return Response(
            {
                "allowed": not reason,
                "reason": reason,
                "allowed_versions": station.allowed_versions,
                "security_profile": station.security_profile,
            }
        )


def _objection(station: Station, serial_number: str) -> str:
    if station.registration_status == RegistrationStatus.REJECTED:
        return "registration_rejected"
    if serial_number and station.serial_number and serial_number != station.serial_number:
        return "serial_number_differs"
    return ""


class GatewayStationsView(ApiView):
    access: ClassVar = {"GET": GATEWAY}
    pagination_class = LargePagePagination

    @extend_schema(
        operation_id="chargepoints_for_gateway",
        summary="What a gateway needs to know of every charger; never a password",
        description="Up to 5,000 rows a page, 1,000 by default.",
        tags=["gateway"],
        parameters=[forms.GatewayStationQuerySerializer],
        responses={200: page_of(forms.GatewayStationSerializer)},
        examples=[
            answered(
                page(
                    {
                        "identity": "TH-BKK-0001",
                        "allowed_versions": ["ocpp1.6"],
                        "security_profile": 1,
                        "assumes_subprotocol": False,
                        "registration_status": "Accepted",
                    }
                )
            )
        ],
    )
    def get(self, request: Request) -> Response:
        names = (
            "identity",
            "allowed_versions",
            "security_profile",
            "assumes_subprotocol",
            "registration_status",
        )
        rows = visible_to(request.user).order_by("identity").only(*names)
        return self.page(request, rows, lambda row: {name: getattr(row, name) for name in names})
