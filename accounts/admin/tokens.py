from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.models import IdToken
from csms.common.admin import ConsoleAdmin, ScopedRelatedFilter


@admin.register(IdToken)
class IdTokenAdmin(ConsoleAdmin):
    list_display = ["token", "type", "status_label", "group", "operator", "expires_at"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("type", ChoicesDropdownFilter),
        ("operator", ScopedRelatedFilter),
    ]
    list_select_related = ["operator"]
    search_fields = ["token__iexact", "group__exact"]
    search_help_text = _("A whole token or a whole group.")
    fields = ["token", "type", "status", "expires_at", "group", "operator", "user"]
    autocomplete_fields = ["user"]
    operator_path = "operator"

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Whose card it is, is personal data; STAFF may not list people.
        return [] if request.user.has_perm("accounts.view_user") else ["user"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        excluded = self.get_exclude(request, obj)
        return [name for name in self.fields if name not in excluded]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Sessions point at it: another number is another token.
        return ["token"] if obj else []

    @display(
        description=_("status"),
        ordering="status",
        label={"ACCEPTED": "success", "BLOCKED": "danger"},
    )
    def status_label(self, token: IdToken) -> tuple[str, str]:
        return token.status, token.get_status_display()
