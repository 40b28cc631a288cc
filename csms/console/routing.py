"""The console's WebSockets. Each carries its own guard, wherever the router is mounted."""

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from csms.console.consumers import DashboardConsumer, SessionConsumer, StationConsumer


def _guarded(consumer: object) -> AllowedHostsOriginValidator:
    """Same origin only (a foreign page may not ride on the cookie), with the staff's session."""
    return AllowedHostsOriginValidator(AuthMiddlewareStack(consumer))


websocket_urlpatterns = [
    path("ws/console/dashboard/", _guarded(DashboardConsumer.as_asgi())),
    path("ws/console/stations/<int:station_id>/", _guarded(StationConsumer.as_asgi())),
    path("ws/console/sessions/<uuid:public_id>/", _guarded(SessionConsumer.as_asgi())),
]
