"""Alerts for partners' and operators' own tools: read, acknowledge, resolve."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import actor_of
from chargepoints.api import examples, representation
from chargepoints.api import serializers as forms
from chargepoints.selectors import alerts as alert_rows
from chargepoints.services import alerts
from csms.common.api.examples import answered, page, sent
from csms.common.api.permissions import Access
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView

HANDLE = Access(staff="chargepoints.change_alert", scope="operate")


class AlertsView(ApiView):
    access: ClassVar = {"GET": Access(staff="chargepoints.view_alert", scope="read")}

    @extend_schema(
        operation_id="admin_alerts_list",
        summary="Alerts of chargers, the latest first",
        tags=["operations"],
        parameters=[forms.AlertQuerySerializer],
        responses={200: page_of(forms.AlertSerializer)},
        examples=[answered(page(examples.ALERT))],
    )
    def get(self, request: Request) -> Response:
        given = self.validated(forms.AlertQuerySerializer, request.query_params)
        filters = alert_rows.AlertFilters(**given)
        rows = alert_rows.filtered(alert_rows.visible_to(request.user), filters)
        return self.page(request, rows, representation.alert)


class AcknowledgeView(ApiView):
    access: ClassVar = {"POST": HANDLE}

    @extend_schema(
        operation_id="admin_alerts_acknowledge",
        summary="Say that somebody has seen an alert and sees to it",
        description="A repeated call changes nothing.",
        tags=["operations"],
        request=forms.AcknowledgeSerializer,
        responses={200: forms.AlertSerializer},
        examples=[
            sent({"reason": "Called the site"}),
            answered(examples.ACKNOWLEDGED_ALERT),
        ],
    )
    def post(self, request: Request, alert_id: int) -> Response:
        given = self.validated(forms.AcknowledgeSerializer, request.data)
        found = alert_rows.find(request.user, alert_id)
        alerts.acknowledge(found.pk, actor=actor_of(request), reason=given["reason"])
        return Response(representation.alert(alert_rows.find(request.user, alert_id)))


class ResolveView(ApiView):
    access: ClassVar = {"POST": HANDLE}

    @extend_schema(
        operation_id="admin_alerts_resolve",
        summary="Close an alert",
        description="The same again opens a new one. A repeated call changes nothing.",
        tags=["operations"],
        request=forms.ResolveSerializer,
        responses={200: forms.AlertSerializer},
        examples=[
            sent({"reason": "The main board was replaced"}),
            answered(examples.RESOLVED_ALERT),
        ],
    )
    def post(self, request: Request, alert_id: int) -> Response:
        given = self.validated(forms.ResolveSerializer, request.data)
        found = alert_rows.find(request.user, alert_id)
        alerts.resolve(found.pk, actor=actor_of(request), reason=given["reason"])
        return Response(representation.alert(alert_rows.find(request.user, alert_id)))
