from django.urls import path

from csms.common.api import converters  # noqa: F401  (registers the form of numbers)
from invoicing.api import views

PREFIX = "api/sstaxinvoiceprofile/"
urlpatterns = [
    path(PREFIX, views.ProfilesView.as_view(), name="tax-invoice-profiles"),
    path(
        f"{PREFIX}user/<key:user_id>",
        views.UserProfilesView.as_view(),
        name="tax-invoice-profiles-of-user",
    ),
    path(f"{PREFIX}<uuid:profile_id>", views.ProfileView.as_view(), name="tax-invoice-profile"),
    path(
        f"{PREFIX}<uuid:profile_id>/set-default",
        views.DefaultProfileView.as_view(),
        name="tax-invoice-profile-default",
    ),
]
