from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.i18n import set_language
from django_otp.admin import OTPAdminSite
from unfold.sites import UnfoldAdminSite

from accounts.domain.access import SessionEnd, SignInMethod
from accounts.models import User
from accounts.services import console_sessions, sign_ins
from csms.common import audit, clock
from csms.common.errors import Forbidden
from csms.console import sessions, views
from csms.console.login import LoginForm


class AdminSite(OTPAdminSite, UnfoldAdminSite):
    """The staff's console: nobody enters without a second factor and an open console session.

    `has_permission` guards every view that `admin_view` wraps, the console's own pages included;
    only sign-in, set-up by a link, the language switch and the script's translations are open.
    """

    login_form = LoginForm
    login_template = "console/login.html"
    # The list of apps is in the side bar; the page of an app says nothing more.
    index_title = ""

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request)) and sessions.current(request) is not None

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Later than this module: the pages need admins, which register with this site.
        from csms.console import urls

        return [
            path("language/", set_language, name="set_language"),
            *urls.open_patterns(),
            *urls.patterns(self.admin_view),
            *super().get_urls(),
        ]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        present = sessions.current(request)
        response: HttpResponse = super().login(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            user = request.user
            try:
                if isinstance(user, User):
                    sessions.adopt(
                        request, user, SignInMethod.PASSWORD_AND_CODE, in_place_of=present
                    )
            except Forbidden:
                # Access was withdrawn while the form was being checked.
                logout(request)
                return HttpResponseRedirect(reverse("admin:login"))
        return response

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            sessions.sign_out(request)
        response: HttpResponse = super().logout(request, extra_context)
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Whoever else is signed in as this person, over whatever way, is signed out by it."""
        user = request.user
        response: HttpResponse = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302 and isinstance(user, User):
            at = clock.now()
            console_sessions.end_all(
                user,
                SessionEnd.PASSWORD_CHANGED,
                actor=user,
                at=at,
                but=sessions.current(request),
            )
            sign_ins.revoke_all(user, actor=user, at=at)
            audit.record(user, "staff.change_password", user)
        return response

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return views.dashboard(request)
