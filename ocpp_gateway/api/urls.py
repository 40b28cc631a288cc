from django.urls import path

from csms.common.api import converters  # noqa: F401  (registers the identity's form)
from ocpp_gateway.api import views

urlpatterns = [
    path(
        "api/admin/chargepoints/<identity:identity>/commands",
        views.CommandsView.as_view(),
        name="admin-chargepoint-commands",
    ),
    path(
        "api/admin/chargepoints/<identity:identity>/ocpp",
        views.RawRequestView.as_view(),
        name="admin-chargepoint-ocpp",
    ),
    path(
        "api/admin/chargepoints/<identity:identity>/messages",
        views.MessagesView.as_view(),
        name="admin-chargepoint-messages",
    ),
    path(
        "api/admin/commands/<uuid:command_id>",
        views.CommandView.as_view(),
        name="admin-command",
    ),
    path(
        "api/chargepoints/<identity:identity>/validate-ocpp",
        views.FrameCheckView.as_view(),
        name="chargepoint-validate-ocpp",
    ),
    path("connections", views.ConnectionsView.as_view(), name="connections"),
    path("connections/<identity:identity>", views.ConnectionView.as_view(), name="connection"),
]
