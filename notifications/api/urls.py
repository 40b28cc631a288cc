from django.urls import path

from notifications.api import views

urlpatterns = [
    path(
        "api/notification-preferences",
        views.PreferencesView.as_view(),
        name="notification-preferences",
    ),
    path("api/push-devices", views.PushDevicesView.as_view(), name="push-devices"),
    path("api/push-devices/<uuid:device_id>", views.PushDeviceView.as_view(), name="push-device"),
]
