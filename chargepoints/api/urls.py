"""Routes of stations. Those that show tariffs are added in `csms.urls`."""

from django.urls import path

from chargepoints.api import (
    admin_views,
    alert_views,
    favourite_views,
    gateway_views,
    live_views,
    map_views,
    service_views,
    views,
)
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
        "api/chargepoints/clusters", map_views.ClustersView.as_view(), name="chargepoints-clusters"
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
    path(
        "api/chargepoints/<identity:identity>/<int:connector_id>/websocket-url",
        live_views.ConnectorFeedView.as_view(),
        name="chargepoint-websocket-url",
    ),
]
ADMINISTRATION = [
    path("api/admin/live-ticket", live_views.BoardFeedView.as_view(), name="admin-live-ticket"),
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
ALERTS = [
    path("api/admin/alerts", alert_views.AlertsView.as_view(), name="admin-alerts"),
    path(
        "api/admin/alerts/<int:alert_id>/acknowledge",
        alert_views.AcknowledgeView.as_view(),
        name="admin-alert-acknowledge",
    ),
    path(
        "api/admin/alerts/<int:alert_id>/resolve",
        alert_views.ResolveView.as_view(),
        name="admin-alert-resolve",
    ),
]
SERVICE = [
    path("charge-points", service_views.ServiceStationsView.as_view(), name="service-chargepoints"),
]
FAVOURITES = [
    path("api/favourites", favourite_views.FavouritesView.as_view(), name="favourites"),
    path(
        "api/favourites/<identity:identity>",
        favourite_views.FavouriteView.as_view(),
        name="favourite",
    ),
]
urlpatterns = [*FAVOURITES, *FIXED, *OF_ONE, *ADMINISTRATION, *ALERTS, *SERVICE]
