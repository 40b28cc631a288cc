from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from csms.console import views

View = Callable[..., HttpResponse]


def patterns(guard: Callable[[View], View]) -> list[URLPattern]:
    """The console's pages; `guard` is the admin site's `admin_view`."""
    return [
        path("stations/<int:station_id>/", guard(views.station), name="console_station"),
        path(
            "stations/<int:station_id>/commands/",
            guard(views.request_command),
            name="console_command",
        ),
        path("sessions/<uuid:public_id>/", guard(views.session), name="console_session"),
    ]
