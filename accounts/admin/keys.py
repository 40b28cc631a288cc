from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.domain.states import Scope
from accounts.models import ApiKey, User
from accounts.services import keys
from csms.common.admin import ConsoleAdmin, confirm, shown_once
from csms.common.clock import now

SCOPE_NAMES = {
    Scope.READ: _("read: lists and details"),
    Scope.GATEWAY: _("gateway: report for chargers"),
    Scope.OPERATE: _("operate: send commands"),
}


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope.value, name) for scope, name in SCOPE_NAMES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "operator", "expires_at")

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= now():
            raise forms.ValidationError(_("The key would have expired already."))
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(ConsoleAdmin):
    """Made here and shown once; afterwards a key can only be revoked."""

    list_display = ["name", "prefix", "scopes_text", "operator", "state", "last_used_at"]
    list_select_related = ["operator"]
    search_fields = ["name", "prefix__exact"]
    fields = ["name", "scopes", "operator", "expires_at"]
    form = ApiKeyForm
    operator_path = None
    is_audited_by_service = True
    actions_detail = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return self.fields
        return [
            "name",
            "prefix",
            "scopes_text",
            "operator",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        key, raw = keys.create_api_key(
            obj.name,
            form.cleaned_data["scopes"],
            obj.operator,
            obj.expires_at,
            actor=cast(User, request.user),
        )
        obj.pk = key.pk
        obj.raw_key = raw  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        secrets = [(gettext("API key"), obj.raw_key)]  # type: ignore[attr-defined]
        return shown_once(
            request, obj.name, secrets, reverse("admin:accounts_apikey_change", args=[obj.pk])
        )

    @action(description=_("Revoke"), url_path="revoke", icon="block", variant=ActionVariant.DANGER)
    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        key = get_object_or_404(self.get_queryset(request), pk=object_id)
        url = reverse("admin:accounts_apikey_change", args=[key.pk])
        if request.method != "POST":
            return confirm(request, gettext("Revoke %(name)s?") % {"name": key.name}, url)
        keys.revoke(key, actor=cast(User, request.user))
        self.message_user(request, gettext("The key is void from now on."), messages.SUCCESS)
        return HttpResponseRedirect(url)

    @display(description=_("scopes"))
    def scopes_text(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(
        description=_("status"),
        label={"valid": "success", "revoked": "danger", "expired": "warning"},
    )
    def state(self, key: ApiKey) -> tuple[str, str]:
        if key.revoked_at is not None:
            return "revoked", gettext("revoked")
        if key.expires_at is not None and key.expires_at <= now():
            return "expired", gettext("expired")
        return "valid", gettext("valid")
