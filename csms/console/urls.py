from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from csms.console import passkeys, security, set_up, views

View = Callable[..., HttpResponse]


def open_patterns() -> list[URLPattern]:
    """The ways in: pages for those who are not signed in yet."""
    return [
        path("set-up/", set_up.page, name="set_up"),
        path(
            "passkeys/sign-in/begin/",
            passkeys.BeginAuthentication.as_view(),
            name="passkey_sign_in_begin",
        ),
        path(
            "passkeys/sign-in/complete/",
            passkeys.CompleteAuthentication.as_view(),
            name="passkey_sign_in_complete",
        ),
    ]


# Route, view, name, and the permission that it takes; None: everybody who is in the console.
PAGES: list[tuple[str, View, str, str | None]] = [
    (
        "stations/<int:station_id>/",
        views.station,
        "console_station",
        "chargepoints.view_station",
    ),
    (
        "stations/<int:station_id>/commands/",
        views.request_command,
        "console_command",
        "chargepoints.add_command",
    ),
    (
        "deviations/",
        views.deviations,
        "console_deviations",
        "chargepoints.view_stationanomaly",
    ),
    (
        "sessions/<uuid:public_id>/",
        views.session,
        "console_session",
        "transactions.view_session",
    ),
    ("security/", security.page, "console_security", None),
    ("security/confirm/", security.confirm, "console_security_confirm", None),
    (
        "security/backup-codes/",
        security.renew_backup_codes,
        "console_security_backup_codes",
        None,
    ),
    (
        "security/sessions/end-others/",
        security.end_other_sessions,
        "console_security_end_others",
        None,
    ),
    (
        "security/sessions/<uuid:session_id>/end/",
        security.end_session,
        "console_security_end_session",
        None,
    ),
    (
        "security/sign-ins/<uuid:sign_in_id>/end/",
        security.end_sign_in,
        "console_security_end_sign_in",
        None,
    ),
    (
        "security/passkeys/<int:passkey_id>/remove/",
        security.remove_passkey,
        "console_security_remove_passkey",
        None,
    ),
    ("passkeys/add/begin/", passkeys.BeginRegistration.as_view(), "passkey_add_begin", None),
    (
        "passkeys/add/complete/",
        passkeys.CompleteRegistration.as_view(),
        "passkey_add_complete",
        None,
    ),
]


def patterns(guard: Callable[[View], View]) -> list[URLPattern]:
    """The console's pages; `guard` is the admin site's `admin_view`."""
    return [
        path(route, guard(_requiring(permission, view)), name=name)
        for route, view, name, permission in PAGES
    ]


def _requiring(permission: str | None, view: View) -> View:
    if permission is None:
        return view

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
