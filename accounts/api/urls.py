from django.urls import path

from accounts.api import schema, views  # noqa: F401  (schema registers itself)

urlpatterns = [
    path("api/admin/auth/login", views.StaffLoginView.as_view(), name="admin-auth-login"),
    path("api/admin/auth/logout", views.StaffLogoutView.as_view(), name="admin-auth-logout"),
]
