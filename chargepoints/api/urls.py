"""Routes of stations. Those that show tariffs are added in `csms.urls`."""

from django.urls import path

from chargepoints.api import admin_views, gateway_views, service_views, views
from csms.common.api import converters  # noqa: F401  (registers the identity's form)

FIXED = [
    path("api/chargepoints/", views.StationListView.as_view(), name="chargepoints"),
    path("api/chargepoints/list", views.LegacyStationListView.as_view(), name="chargepoints-list"),
    path(
        "api/chargepoints/create-connectors",
        admin_views.CreateConnectorsView.as_view(),
        name="chargepoints-create-connectors",
    ),
    path(
        "api/chargepoints/validate-whitelist",
        gateway_views.WhitelistView.as_view(),
        name="chargepoints-validate-whitelist",
    ),
    path(
        "api/chargepoints/ws-gateway/chargepoints",
        gateway_views.GatewayStationsView.as_view(),
        name="chargepoints-for-gateway",
    ),
    path(
        "api/chargepoints/nearby/<str:latitude>/<str:longitude>",
        views.NearbyStationsView.as_view(),
        name="chargepoints-nearby",
    ),
    path(
        "api/chargepoints/check-connectors/<identity:identity>",
        views.ConnectorCheckView.as_view(),
        name="chargepoints-check-connectors",
    ),
]
OF_ONE = [
    path(
        "api/chargepoints/<identity:identity>/connection-status",
        gateway_views.ConnectionStatusView.as_view(),
        name="chargepoint-connection-status",
    ),
    path(
        "api/chargepoints/<identity:identity>/heartbeat",
        gateway_views.HeartbeatView.as_view(),
        name="chargepoint-heartbeat",
    ),
    path(
        "api/chargepoints/<identity:identity>/status",
        gateway_views.StatusView.as_view(),
        name="chargepoint-status",
    ),
    path(
        "api/chargepoints/<identity:identity>/update-from-boot",
        gateway_views.BootView.as_view(),
        name="chargepoint-update-from-boot",
    ),
]
ADMINISTRATION = [
    path(
        "api/admin/chargepoints/",
        admin_views.CreateStationView.as_view(),
        name="admin-chargepoints",
    ),
    path("api/admin/stations/", admin_views.CreateSiteView.as_view(), name="admin-stations"),
    path(
        "api/admin/connectors/", admin_views.CreateConnectorView.as_view(), name="admin-connectors"
    ),
    path(
        "api/admin/chargepoints/<identity:identity>/connectors",
        admin_views.StationConnectorsView.as_view(),
        name="admin-chargepoint-connectors",
    ),
]
SERVICE = [
    path("charge-points", service_views.ServiceStationsView.as_view(), name="service-chargepoints"),
]
urlpatterns = [*FIXED, *OF_ONE, *ADMINISTRATION, *SERVICE]
