from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from accounts.domain.networks import NotANetwork, parse_networks
from accounts.domain.states import Scope
from accounts.models import ApiKey, User
from accounts.selectors.keys import visible_keys
from accounts.services import keys
from csms.common.admin import ConsoleAdmin, confirm, shown_once
from csms.common.clock import now
from csms.common.errors import DomainError

SCOPE_NAMES = {
    Scope.READ: _("read: lists and details"),
    Scope.GATEWAY: _("gateway: report for chargers"),
    Scope.OPERATE: _("operate: send commands"),
}
OVERLAPS = [
    (0, _("not at all: at once void")),
    (1, _("1 hour")),
    (24, _("24 hours")),
    (72, _("3 days")),
    (168, _("7 days")),
]
NETWORKS_HELP = _("One network a line, such as 203.0.113.0/24. Empty: from anywhere.")


class NetworksField(forms.CharField):
    """Networks, one a line; cleaned to a list in canonical form."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, **kwargs: Any) -> None:
        defaults = {
            "label": _("Allowed networks"),
            "required": False,
            "max_length": 4000,
            "help_text": NETWORKS_HELP,
        }
        super().__init__(**{**defaults, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse_networks(text.replace(",", "\n").splitlines())
        except NotANetwork as error:
            raise forms.ValidationError(
                _("%(text)s is no network. Write it like 203.0.113.0/24 or 2001:db8::/48."),
                params={"text": str(error)[:60]},
            ) from error


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope.value, name) for scope, name in SCOPE_NAMES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    allowed_networks = NetworksField()

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "operator", "expires_at", "allowed_networks")

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= now():
            raise forms.ValidationError(_("The key would have expired already."))
        return expires_at


class NetworksForm(forms.Form):
    allowed_networks = NetworksField()


class RotationForm(forms.Form):
    overlap_hours = forms.TypedChoiceField(
        label=_("How long the old secret still works"),
        choices=OVERLAPS,
        coerce=int,
        initial=24,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Put the new key everywhere within that time; then nothing is interrupted."),
    )


@admin.register(ApiKey)
class ApiKeyAdmin(ConsoleAdmin):
    """Made here and shown once; afterwards rotated, bound to networks, or revoked."""

    list_display = ["name", "prefix", "scopes_text", "operator", "state", "last_used_at"]
    list_select_related = ["operator"]
    search_fields = ["name", "prefix__exact"]
    fields = ["name", "scopes", "operator", "expires_at", "allowed_networks"]
    form = ApiKeyForm
    operator_path = None
    is_audited_by_service = True
    actions_detail = ["rotate", "end_overlap", "networks", "revoke"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("accounts.change_apikey")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return self.fields
        return [
            "name",
            "prefix",
            "scopes_text",
            "operator",
            "networks_text",
            "created_at",
            "rotated_at",
            "old_secret_text",
            "expires_at",
            "revoked_at",
            "last_used_at",
        ]

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> Any:
        """A void key has nothing to rotate, and only a rotation in progress can be ended."""
        offered = super().get_actions_detail(request, object_id)
        key = visible_keys(cast(User, request.user), now()).filter(pk=object_id).first()
        if key is None or self.state(key)[0] != "valid":
            return []
        if not key.retired_secrets.filter(valid_until__gt=now()).exists():
            return [each for each in offered if not each.action_name.endswith("end_overlap")]
        return offered

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        key, raw = keys.create_api_key(
            obj.name,
            form.cleaned_data["scopes"],
            obj.operator,
            obj.expires_at,
            allowed_networks=form.cleaned_data["allowed_networks"],
            actor=cast(User, request.user),
        )
        obj.pk = key.pk
        obj.raw_key = raw  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_key(request, obj, obj.raw_key)  # type: ignore[attr-defined]

    @action(description=_("Rotate"), url_path="rotate", icon="autorenew", permissions=["manage"])
    def rotate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        key = self._key(request, object_id)
        form = RotationForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            question = gettext("Make a new secret for %(name)s?") % {"name": key.name}
            return self._ask(request, key, question, form)
        overlap = timedelta(hours=form.cleaned_data["overlap_hours"])
        try:
            rotated, raw = keys.rotate(
                key, overlap=overlap, actor=self._actor(request), reason=self._reason(request)
            )
        except DomainError as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return HttpResponseRedirect(self._url(key))
        return self._show_key(request, rotated, raw)

    @action(
        description=_("End the old secret"),
        url_path="end-overlap",
        icon="timer_off",
        permissions=["manage"],
    )
    def end_overlap(self, request: HttpRequest, object_id: int) -> HttpResponse:
        key = self._key(request, object_id)
        if request.method != "POST":
            question = gettext("Void the old secret of %(name)s at once?") % {"name": key.name}
            return confirm(request, question, self._url(key), asks_reason=True)
        keys.end_overlap(key, actor=self._actor(request), reason=self._reason(request))
        self.message_user(request, gettext("Only the new secret works now."), messages.SUCCESS)
        return HttpResponseRedirect(self._url(key))

    @action(
        description=_("Allowed networks"), url_path="networks", icon="lan", permissions=["manage"]
    )
    def networks(self, request: HttpRequest, object_id: int) -> HttpResponse:
        key = self._key(request, object_id)
        known = {"allowed_networks": key.allowed_networks}
        form = NetworksForm(request.POST if request.method == "POST" else None, initial=known)
        if request.method != "POST" or not form.is_valid():
            question = gettext("From where may %(name)s be used?") % {"name": key.name}
            return self._ask(request, key, question, form)
        keys.set_allowed_networks(
            key,
            form.cleaned_data["allowed_networks"],
            actor=self._actor(request),
            reason=self._reason(request),
        )
        self.message_user(request, gettext("The key counts from there only."), messages.SUCCESS)
        return HttpResponseRedirect(self._url(key))

    @action(
        description=_("Revoke"),
        url_path="revoke",
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["manage"],
    )
    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        key = self._key(request, object_id)
        if request.method != "POST":
            question = gettext("Revoke %(name)s?") % {"name": key.name}
            return confirm(request, question, self._url(key), asks_reason=True)
        keys.revoke(key, actor=self._actor(request), reason=self._reason(request))
        self.message_user(request, gettext("The key is void from now on."), messages.SUCCESS)
        return HttpResponseRedirect(self._url(key))

    def _key(self, request: HttpRequest, object_id: int) -> ApiKey:
        found: ApiKey = self.row_or_404(request, object_id)
        return found

    @staticmethod
    def _actor(request: HttpRequest) -> User:
        return cast(User, request.user)

    @staticmethod
    def _reason(request: HttpRequest) -> str:
        return str(request.POST.get("reason", ""))

    @staticmethod
    def _url(key: ApiKey) -> str:
        return reverse("admin:accounts_apikey_change", args=[key.pk])

    def _ask(self, request: HttpRequest, key: ApiKey, title: str, form: forms.Form) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "form": form,
            "cancel_url": self._url(key),
        }
        return TemplateResponse(request, "console/form.html", context)

    def _show_key(self, request: HttpRequest, key: ApiKey, raw: str) -> HttpResponse:
        return shown_once(request, key.name, [(gettext("API key"), raw)], self._url(key))

    @display(description=_("scopes"))
    def scopes_text(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description=_("allowed networks"))
    def networks_text(self, key: ApiKey) -> str:
        return ", ".join(key.allowed_networks) or gettext("from anywhere")

    @display(description=_("old secret works until"))
    def old_secret_text(self, key: ApiKey) -> str:
        running = key.retired_secrets.filter(valid_until__gt=now()).order_by("-valid_until")
        newest = running.first()
        if newest is None:
            return "–"
        return date_format(localtime(newest.valid_until), "SHORT_DATETIME_FORMAT")

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
