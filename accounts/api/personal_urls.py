"""Routes of what a driver keeps here, and of what the law lets people ask for."""

from django.urls import path

from accounts.api import data_views, personal_views
from csms.common.api import converters  # noqa: F401  (registers the form of numbers)

urlpatterns = [
    path("api/vehicles", personal_views.VehiclesView.as_view(), name="vehicles"),
    path("api/vehicles/<uuid:vehicle_id>", personal_views.VehicleView.as_view(), name="vehicle"),
    path("api/id-tokens", personal_views.IdTokensView.as_view(), name="id-tokens"),
    path("api/id-tokens/link", personal_views.LinkIdTokenView.as_view(), name="id-tokens-link"),
    path(
        "api/id-tokens/<key:id_token_id>/block",
        personal_views.BlockIdTokenView.as_view(),
        name="id-token-block",
    ),
    path("api/consents", personal_views.ConsentsView.as_view(), name="consents"),
    path("api/data-exports", data_views.DataExportsView.as_view(), name="data-exports"),
    path(
        "api/data-exports/<uuid:export_id>",
        data_views.DataExportView.as_view(),
        name="data-export",
    ),
    path(
        "api/data-exports/<uuid:export_id>/file",
        data_views.DataExportFileView.as_view(),
        name="data-export-file",
    ),
    path(
        "api/profile/deletion",
        data_views.AccountDeletionView.as_view(),
        name="profile-deletion",
    ),
    path(
        "api/profile/deletion/code",
        data_views.AccountDeletionCodeView.as_view(),
        name="profile-deletion-code",
    ),
]
