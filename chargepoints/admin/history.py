from typing import Any
from uuid import UUID

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.admin.labels import COMMAND_LABELS, CONNECTOR_LABELS
from chargepoints.models import Command, ConnectorStatusEvent, StationAnomaly
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, pretty
from csms.common.state_names import labelled


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin):
    """Sent from the charger's page; here is the record."""

    list_display = ["requested_at", "name", "station", "status_label", "actor_label", "latency"]
    list_display_links = ["requested_at"]
    list_filter = [("status", ChoicesDropdownFilter), ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station"]
    exact_search = {"pk": UUID, "message_id": str}
    search_help_text = _("A whole id or message id.")
    ordering = ["-requested_at"]
    operator_path = "station__site__operator"
    fields = [
        "station",
        "name",
        "parameters_pretty",
        "status_label",
        "actor_label",
        "reason",
        "requested_at",
        "expires_at",
        "sent_at",
        "answered_at",
        "is_late",
        "action",
        "message_id",
        "request_pretty",
        "response_pretty",
        "error",
    ]

    @display(description=_("status"), ordering="status", label=COMMAND_LABELS)
    def status_label(self, command: Command) -> tuple[str, str]:
        return labelled(command.status)

    @display(description=_("latency"))
    def latency(self, command: Command) -> str:
        return "–" if command.latency_ms is None else f"{command.latency_ms} ms"

    @display(description=_("parameters"))
    def parameters_pretty(self, command: Command) -> SafeString | str:
        return pretty(command.parameters)

    @display(description=_("request"))
    def request_pretty(self, command: Command) -> SafeString | str:
        return pretty(command.request)

    @display(description=_("answer"))
    def response_pretty(self, command: Command) -> SafeString | str:
        return pretty(command.response)


@admin.register(ConnectorStatusEvent)
class ConnectorStatusEventAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "place", "status_label", "error_code", "info", "reported_at"]
    list_display_links = ["received_at"]
    list_filter = [("station", ScopedAutocompleteFilter)]
    list_select_related = ["station", "connector__evse__station"]
    ordering = ["-id"]
    operator_path = "station__site__operator"

    @display(description=_("connector"))
    def place(self, event: ConnectorStatusEvent) -> Any:
        return event.connector.evse if event.connector else event.station

    @display(description=_("status"), label=CONNECTOR_LABELS)
    def status_label(self, event: ConnectorStatusEvent) -> str:
        return event.status


@admin.register(StationAnomaly)
class StationAnomalyAdmin(ReadOnlyAdmin):
    list_display = ["last_at", "station", "kind", "count", "detail", "first_at"]
    list_display_links = ["last_at"]
    list_filter = [("station", ScopedAutocompleteFilter)]
    list_select_related = ["station"]
    search_fields = ["kind__exact", "station__identity__istartswith"]
    ordering = ["-last_at"]
    operator_path = "station__site__operator"
