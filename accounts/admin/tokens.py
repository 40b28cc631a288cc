from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from accounts.models import IdToken, User
from accounts.services import id_tokens
from csms.common.admin import ConsoleAdmin, ScopedRelatedFilter, confirm, shown_once
from csms.common.errors import Conflict

MOST_CODES_AT_ONCE = 500


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
    actions = ["make_link_codes"]
    actions_detail = ["make_link_code"]

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

    @action(
        description=_("New link code"),
        url_path="link-code",
        icon="password",
        permissions=["change"],
    )
    def make_link_code(self, request: HttpRequest, object_id: int) -> HttpResponse:
        token = get_object_or_404(self.get_queryset(request), pk=object_id)
        url = reverse("admin:accounts_idtoken_change", args=[token.pk])
        if request.method != "POST":
            question = gettext("Make a new link code for %(card)s? An older one stops working.")
            return confirm(request, question % {"card": token}, url)
        try:
            code = id_tokens.make_link_code(token, actor=cast(User, request.user))
        except Conflict as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return HttpResponseRedirect(url)
        title = gettext("Link code of %(card)s") % {"card": token}
        return shown_once(request, title, [(gettext("Print it on the card"), code)], url)

    @action(description=_("Make link codes to print on the cards"), permissions=["change"])
    def make_link_codes(
        self, request: HttpRequest, queryset: QuerySet[IdToken]
    ) -> HttpResponse | None:
        """For a box of new cards; those that are drivers' already are left out."""
        free = queryset.filter(user__isnull=True).order_by("token")[:MOST_CODES_AT_ONCE]
        actor = cast(User, request.user)
        codes, skipped = [], []
        for card in free:
            # Somebody may link a card meanwhile; the codes of the others must not be lost by it.
            try:
                codes.append((card.token, id_tokens.make_link_code(card, actor=actor)))
            except Conflict:
                skipped.append(card.token)
        if skipped:
            text = gettext("Left out, because they are drivers' by now: %(cards)s")
            self.message_user(request, text % {"cards": ", ".join(skipped)}, messages.WARNING)
        if not codes:
            text = gettext("None of these cards is free to be linked.")
            self.message_user(request, text, messages.WARNING)
            return None
        url = reverse("admin:accounts_idtoken_changelist")
        return shown_once(request, gettext("Link codes"), codes, url)
