from django.urls import include, path

from accounts.api import (
    device_views,
    identity_views,
    key_views,
    password_views,
    profile_views,
    registration_views,
    schema,  # noqa: F401  (registers itself)
    sign_in_views,
    staff_views,
    views,
)
from csms.common.api import converters  # noqa: F401  (registers the form of numbers)

urlpatterns = [
    path("", include("accounts.api.personal_urls")),
    path(
        "api/admin/auth/register",
        staff_views.StaffRegistrationView.as_view(),
        name="admin-auth-register",
    ),
    path("api/admin/auth/login", views.StaffLoginView.as_view(), name="admin-auth-login"),
    path("api/admin/auth/logout", views.StaffLogoutView.as_view(), name="admin-auth-logout"),
    path("api/auth/register", registration_views.RegisterView.as_view(), name="auth-register"),
    path("api/auth/verify", registration_views.VerifyView.as_view(), name="auth-verify"),
    path(
        "api/auth/verification-codes",
        registration_views.VerificationCodesView.as_view(),
        name="auth-verification-codes",
    ),
    path("api/auth/login", sign_in_views.LoginView.as_view(), name="auth-login"),
    path("api/auth/refresh", sign_in_views.RefreshView.as_view(), name="auth-refresh"),
    path("api/auth/logout", sign_in_views.LogoutView.as_view(), name="auth-logout"),
    path("api/auth/oidc/<slug:provider>", sign_in_views.OidcView.as_view(), name="auth-oidc"),
    path("api/auth/password", password_views.PasswordView.as_view(), name="auth-password"),
    path(
        "api/auth/password-reset",
        password_views.PasswordResetView.as_view(),
        name="auth-password-reset",
    ),
    path(
        "api/auth/password-reset/confirm",
        password_views.PasswordResetConfirmView.as_view(),
        name="auth-password-reset-confirm",
    ),
    path("api/auth/devices", device_views.DevicesView.as_view(), name="auth-devices"),
    path(
        "api/auth/devices/<uuid:device_id>",
        device_views.DeviceView.as_view(),
        name="auth-device",
    ),
    path("api/auth/identities", identity_views.IdentitiesView.as_view(), name="auth-identities"),
    path(
        "api/auth/identities/<key:identity_id>",
        identity_views.IdentityView.as_view(),
        name="auth-identity",
    ),
    path("api/profile", profile_views.ProfileView.as_view(), name="profile"),
    path("api/admin/api-keys", key_views.ApiKeyListView.as_view(), name="admin-api-keys"),
    path("api/admin/api-keys/<int:key_id>", key_views.ApiKeyView.as_view(), name="admin-api-key"),
    path(
        "api/admin/api-keys/<int:key_id>/rotate",
        key_views.ApiKeyRotationView.as_view(),
        name="admin-api-key-rotate",
    ),
]
