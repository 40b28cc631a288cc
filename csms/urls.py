"""Every route, and where apps that may not know each other are put together."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from chargepoints.api.service_views import ServiceStationView
from chargepoints.api.views import StationDetailView
from csms import health, metrics
from csms.common.api import converters  # noqa: F401  (registers the form of identities)
from csms.common.api.openapi import SchemaView
from transactions.api.representation import tariffs_of

HEALTH = [
    path("health", health.HealthView.as_view(), name="health"),
    path("healthz", health.LivenessView.as_view(), name="healthz"),
    path("readyz", health.ReadinessView.as_view(), name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/health", health.ApiHealthView.as_view(), name="api-health"),
]
DOCUMENTATION = [
    path("openapi.json", SchemaView.as_view(), name="openapi-json"),
    path("openapi", SpectacularSwaggerView.as_view(url_name="openapi-json"), name="openapi"),
    path(
        "redoc",
        SpectacularRedocView.as_view(url_name="openapi-json", template_name="api/redoc.html"),
        name="redoc",
    ),
]
# A station's own page shows its tariffs, of which `chargepoints` knows nothing. These come last:
# any other name under the same prefix is a route, not an identity.
STATION = [
    path(
        "api/chargepoints/<identity:identity>",
        StationDetailView.as_view(tariffs_of=tariffs_of),
        name="chargepoint",
    ),
    path(
        "charge-points/<identity:identity>",
        ServiceStationView.as_view(tariffs_of=tariffs_of),
        name="service-chargepoint",
    ),
]

urlpatterns = [
    *HEALTH,
    *DOCUMENTATION,
    path("", include("accounts.api.urls")),
    path("", include("chargepoints.api.urls")),
    path("", include("ocpp_gateway.api.urls")),
    path("", include("transactions.api.urls")),
    path("", include("payments.api.urls")),
    path("", include("invoicing.api.urls")),
    path("", include("notifications.api.urls")),
    path("", include(STATION)),
    path("admin/", admin.site.urls),
]

handler400 = "csms.common.api.problems.bad_request"
handler403 = "csms.common.api.problems.permission_denied"
handler404 = "csms.common.api.problems.not_found"
handler500 = "csms.common.api.problems.server_error"
