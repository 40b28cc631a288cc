from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.i18n import set_language
from django_otp.admin import OTPAdminSite
from unfold.sites import UnfoldAdminSite

from csms.console import urls, views
from csms.console.login import LoginForm


class AdminSite(OTPAdminSite, UnfoldAdminSite):
    """The staff's console: nobody enters without a second factor.

    `OTPAdminSite.has_permission` guards every view that `admin_view` wraps, the console's own
    pages included; only sign-in, the language switch and the script's translations are open.
    """

    login_form = LoginForm
    login_template = "console/login.html"
    # The list of apps is in the side bar; the page of an app says nothing more.
    index_title = ""

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("language/", set_language, name="set_language"),
            *urls.patterns(self.admin_view),
            *super().get_urls(),
        ]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return views.dashboard(request)
