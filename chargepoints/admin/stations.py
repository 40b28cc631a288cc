import secrets
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from accounts.models import User
from chargepoints.domain.identities import VERSIONS, identity_problem
from chargepoints.models import Connector, Station
from chargepoints.services import archiving, stations
from chargepoints.services.stations import NewConnector
from csms.common.admin import ConsoleAdmin, ScopedRelatedFilter, confirm, shown_once
from csms.common.errors import Conflict

PASSWORD_BYTES = 20
MOST_CONNECTORS = 20
DETAILS = [
    "site",
    "name",
    "allowed_versions",
    "security_profile",
    "assumes_subprotocol",
    "quirk_profile",
    "registration_status",
]


class StationForm(forms.ModelForm):
    allowed_versions = forms.MultipleChoiceField(
        label=_("Allowed OCPP versions"),
        choices=[(version, version) for version in VERSIONS],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        initial=["ocpp1.6"],
    )

    class Meta:
        model = Station
        fields = ("identity", *DETAILS)

    def clean_identity(self) -> str:
        identity: str = self.cleaned_data["identity"]
        problem = identity_problem(identity)
        if problem:
            raise forms.ValidationError(problem)
        return identity


class NewStationForm(StationForm):
    connector_count = forms.IntegerField(
        label=_("Number of connectors"),
        min_value=0,
        max_value=MOST_CONNECTORS,
        initial=1,
        help_text=_("Each becomes an EVSE of its own with a public code."),
    )
    connector_type = forms.ChoiceField(
        label=_("Connector type"),
        choices=Connector.Type.choices,
        initial=Connector.Type.CCS2,
        widget=UnfoldAdminSelectWidget,
    )
    max_power_kw = forms.DecimalField(
        label=_("Maximum power (kW)"), min_value=0, max_value=10_000, required=False
    )

    def connectors(self) -> list[NewConnector]:
        power = self.cleaned_data["max_power_kw"]
        return [
            NewConnector(
                evse_id=number,
                type=self.cleaned_data["connector_type"],
                max_power_w=int(power * 1000) if power else None,
            )
            for number in range(1, self.cleaned_data["connector_count"] + 1)
        ]


class ArchivedFilter(DropdownFilter):
    """Archived stations are out of sight unless somebody asks for them."""

    title = _("archived")
    parameter_name = "archived"
    all_option = ["", _("In use")]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [("only", _("Archived only")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Station]) -> QuerySet[Station]:
        if self.value() == "all":
            return queryset
        return queryset.filter(archived_at__isnull=self.value() != "only")


@admin.register(Station)
class StationAdmin(ConsoleAdmin):
    list_display = ["link", "site", "online", "vendor", "model", "firmware_version", "last_seen_at"]
    list_display_links = None
    list_filter = [
        ("site", ScopedRelatedFilter),
        ("site__operator", ScopedRelatedFilter),
        "is_online",
        ("registration_status", ChoicesDropdownFilter),
        ArchivedFilter,
    ]
    list_select_related = ["site"]
    search_fields = [
        "identity",
        "name",
        "serial_number__iexact",
        "public_code__iexact",
        "evses__public_code__iexact",
    ]
    search_help_text = _("Identity or name; a whole serial number or public code.")
    autocomplete_fields = ["site"]
    ordering = ["identity"]
    operator_path = "site__operator"
    form = StationForm
    is_audited_by_service = True
    actions_detail = ["open_console", "new_password", "archive", "restore"]

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewStationForm
        return super().get_form(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        groups: list[Any] = [
            (None, {"fields": ["identity", "site", "name"]}),
            (
                _("Connection"),
                {
                    "fields": [
                        "allowed_versions",
                        "security_profile",
                        "assumes_subprotocol",
                        "quirk_profile",
                        "registration_status",
                    ]
                },
            ),
        ]
        if obj is None:
            fields = ["connector_count", "connector_type", "max_power_kw"]
            groups.append((_("Connectors"), {"fields": fields}))
        else:
            groups[0][1]["fields"].insert(1, "public_code")
            groups[1][1]["fields"].insert(2, "next_security_profile")
            fields = [
                "vendor",
                "model",
                "serial_number",
                "firmware_version",
                "matched_profile",
                "archived_at",
            ]
            groups.append((_("Reported by the charger"), {"fields": fields}))
        return groups

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        return [
            "identity",
            "public_code",
            "next_security_profile",
            "vendor",
            "model",
            "serial_number",
            "firmware_version",
            "matched_profile",
            "archived_at",
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_archived = obj is not None and obj.archived_at is not None
        return not is_archived and super().has_change_permission(request, obj)

    def has_operate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("chargepoints.change_station")

    def save_model(self, request: HttpRequest, obj: Station, form: Any, change: bool) -> None:
        actor = cast(User, request.user)
        if change:
            changes = {
                name: form.cleaned_data[name] for name in DETAILS if name in form.changed_data
            }
            stations.update_station(obj, actor=actor, changes=changes)
            return
        password = secrets.token_hex(PASSWORD_BYTES)
        details = {name: form.cleaned_data[name] for name in DETAILS if name != "site"}
        made = stations.create_station(
            site=form.cleaned_data["site"],
            identity=form.cleaned_data["identity"],
            actor=actor,
            password=password,
            connectors=form.connectors(),
            **details,
        )
        obj.pk = made.pk
        obj.new_password = password  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Station, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_password(request, obj, obj.new_password)  # type: ignore[attr-defined]

    def _show_password(self, request: HttpRequest, station: Station, password: str) -> HttpResponse:
        scheme = "wss" if request.is_secure() else "ws"
        return shown_once(
            request,
            gettext("How %(identity)s connects") % {"identity": station.identity},
            [
                (gettext("Address"), f"{scheme}://{request.get_host()}/ocpp/{station.identity}"),
                (gettext("Identity (user name)"), station.identity),
                (gettext("Password"), password),
            ],
            reverse("admin:console_station", args=[station.pk]),
        )

    @action(description=_("Open its page"), url_path="open-console", icon="monitoring")
    def open_console(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:console_station", args=[object_id]))

    @action(
        description=_("New password"),
        url_path="new-password",
        icon="key",
        permissions=["operate"],
    )
    def new_password(self, request: HttpRequest, object_id: int) -> HttpResponse:
        station = self.row_or_404(request, object_id)
        if request.method != "POST":
            question = gettext("Make a new password for %(name)s? The charger must be given it.")
            return self._confirm(request, station, question)
        password = secrets.token_hex(PASSWORD_BYTES)
        stations.update_station(
            station,
            actor=cast(User, request.user),
            changes={},
            password=password,
            reason=request.POST.get("reason", ""),
        )
        return self._show_password(request, station, password)

    @action(
        description=_("Archive"),
        url_path="archive",
        icon="archive",
        variant=ActionVariant.DANGER,
        permissions=["operate"],
    )
    def archive(self, request: HttpRequest, object_id: int) -> HttpResponse:
        station = self.row_or_404(request, object_id)
        if request.method != "POST":
            question = gettext("Archive %(name)s? It can no longer connect; its history stays.")
            return self._confirm(request, station, question)
        reason = request.POST.get("reason", "")
        try:
            archiving.archive_station(station, actor=cast(User, request.user), reason=reason)
        except Conflict as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            url = reverse("admin:chargepoints_station_change", args=[object_id])
            return HttpResponseRedirect(url)
        self.message_user(request, gettext("The station is archived."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:chargepoints_station_changelist"))

    @action(
        description=_("Restore"),
        url_path="restore",
        icon="unarchive",
        permissions=["operate"],
    )
    def restore(self, request: HttpRequest, object_id: int) -> HttpResponse:
        station = self.row_or_404(request, object_id)
        if request.method != "POST":
            return self._confirm(request, station, gettext("Restore %(name)s?"))
        reason = request.POST.get("reason", "")
        archiving.restore_station(station, actor=cast(User, request.user), reason=reason)
        self.message_user(request, gettext("The station may connect again."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:chargepoints_station_change", args=[object_id]))

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> Any:
        """Archive or restore, whichever makes sense."""
        offered = super().get_actions_detail(request, object_id)
        is_archived = Station.objects.filter(pk=object_id, archived_at__isnull=False).exists()
        hidden = ("archive", "new_password") if is_archived else ("restore",)
        return [item for item in offered if not item.action_name.endswith(hidden)]

    def _confirm(self, request: HttpRequest, station: Station, question: str) -> HttpResponse:
        url = reverse("admin:chargepoints_station_change", args=[station.pk])
        return confirm(request, question % {"name": station.identity}, url, asks_reason=True)

    @display(description=_("station"), ordering="identity")
    def link(self, station: Station) -> SafeString:
        url = reverse("admin:console_station", args=[station.pk])
        return format_html('<a href="{}" class="cs-rowlink">{}</a>', url, station.identity)

    @display(
        description=_("connection"),
        ordering="is_online",
        label={"online": "success", "offline": "danger"},
    )
    def online(self, station: Station) -> tuple[str, str]:
        return (
            ("online", gettext("Online")) if station.is_online else ("offline", gettext("Offline"))
        )
