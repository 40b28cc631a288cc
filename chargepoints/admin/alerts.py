"""What staff are told of at once: who has seen it, and what came of it."""

from collections.abc import Callable
from typing import Any, cast

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

from accounts.models import User
from chargepoints.admin.labels import ALERT_LABELS, SEVERITY_LABELS
from chargepoints.models import Alert
from chargepoints.selectors.alerts import STATES, state_of
from chargepoints.services import alerts
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, confirm
from csms.common.errors import InvalidInput

STATE_NAMES = {"open": _("Open"), "acknowledged": _("Acknowledged"), "resolved": _("Resolved")}


class AlertStateFilter(DropdownFilter):
    """The list shows what is not resolved unless somebody asks for something else."""

    title = _("state")
    parameter_name = "state"
    all_option = ["", _("Not resolved")]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [*STATE_NAMES.items(), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> Any:
        if self.value() == "all":
            return queryset
        condition = STATES.get(self.value() or "")
        return queryset.filter(~STATES["resolved"] if condition is None else condition)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = [
        "last_at",
        "severity_label",
        "kind_label",
        "station_link",
        "count",
        "detail",
        "state_label",
    ]
    list_display_links = ["last_at", "kind_label"]
    list_filter = [
        AlertStateFilter,
        ("severity", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("station", ScopedAutocompleteFilter),
    ]
    list_select_related = ["station"]
    exact_search = {"station__identity__iexact": str}
    search_help_text = _("A station's identity.")
    ordering = ["-last_at", "-id"]
    operator_path = "station__site__operator"
    actions = ["acknowledge_selected"]
    actions_detail = ["acknowledge", "resolve"]
    fields = [
        "severity",
        "kind",
        "station_link",
        "detail",
        "count",
        "first_at",
        "last_at",
        "notified_at",
        "acknowledged_at",
        "acknowledged_by",
        "resolved_at",
        "resolved_by",
        "resolution",
    ]

    def has_handle_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("chargepoints.change_alert")

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> Any:
        """Only what still makes sense."""
        offered = super().get_actions_detail(request, object_id)
        alert = Alert.objects.filter(pk=object_id).first()
        state = "open" if alert is None else state_of(alert)
        hidden = {"open": (), "acknowledged": ("acknowledge",)}.get(
            state, ("acknowledge", "resolve")
        )
        return [item for item in offered if not item.action_name.endswith(hidden)]

    @admin.action(description=_("Acknowledge"), permissions=["handle"])
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        for key in queryset.values_list("pk", flat=True):
            alerts.acknowledge(key, actor=cast(User, request.user))
        self.message_user(request, gettext("Acknowledged."), messages.SUCCESS)

    @action(
        description=_("Acknowledge"),
        url_path="acknowledge",
        icon="visibility",
        permissions=["handle"],
    )
    def acknowledge(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def handle(alert: Alert, reason: str) -> None:
            alerts.acknowledge(alert.pk, actor=cast(User, request.user), reason=reason)
            self.message_user(request, gettext("Acknowledged."), messages.SUCCESS)

        question = gettext("You have seen it and see to it?")
        return self._handle(request, object_id, question, handle, asks_reason=True)

    @action(description=_("Resolve"), url_path="resolve", icon="task_alt", permissions=["handle"])
    def resolve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def handle(alert: Alert, reason: str) -> None:
            alerts.resolve(alert.pk, actor=cast(User, request.user), reason=reason)
            self.message_user(request, gettext("Resolved."), messages.SUCCESS)

        question = gettext("What was found and done? The same again opens a new alert.")
        return self._handle(
            request, object_id, question, handle, asks_reason=True, needs_reason=True
        )

    def _handle(
        self,
        request: HttpRequest,
        object_id: int,
        question: str,
        handle: Callable[[Alert, str], None],
        **asked: bool,
    ) -> HttpResponse:
        alert = self.row_or_404(request, object_id)
        url = reverse("admin:chargepoints_alert_change", args=[alert.pk])
        title = f"{alert.station.identity}, {alert.get_kind_display()}: {question}"
        if request.method != "POST":
            return confirm(request, title, url, **asked)
        try:
            handle(alert, request.POST.get("reason", ""))
        except InvalidInput as error:
            self.message_user(request, error.detail, messages.ERROR)
            return confirm(request, title, url, **asked)
        return HttpResponseRedirect(reverse("admin:chargepoints_alert_changelist"))

    @display(description=_("severity"), ordering="severity", label=SEVERITY_LABELS)
    def severity_label(self, alert: Alert) -> tuple[str, str]:
        return alert.severity, alert.get_severity_display()

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, alert: Alert) -> str:
        return alert.get_kind_display()

    @display(description=_("station"), ordering="station__identity")
    def station_link(self, alert: Alert) -> SafeString:
        url = reverse("admin:console_station", args=[alert.station_id])
        return format_html('<a href="{}" class="cs-rowlink">{}</a>', url, alert.station.identity)

    @display(description=_("state"), label=ALERT_LABELS)
    def state_label(self, alert: Alert) -> tuple[str, str]:
        state = state_of(alert)
        return state, str(STATE_NAMES[state])
