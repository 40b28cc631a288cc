from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.admin.labels import CONNECTOR_LABELS
from chargepoints.models import Connector, Evse
from chargepoints.services.stations import note_change
from csms.common.admin import ConsoleAdmin, ScopedInline, ScopedRelatedFilter


class ConnectorInline(ScopedInline):
    model = Connector
    fields = ["connector_id", "type", "max_power_w"]
    operator_path = "evse__station__site__operator"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["connector_id"] if obj else []

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Evse)
class EvseAdmin(ConsoleAdmin):
    """EVSEs are made with their station; here is the code that is printed on them."""

    list_display = ["__str__", "public_code"]
    list_select_related = ["station"]
    search_fields = ["public_code__iexact", "station__identity__istartswith"]
    fields = ["station", "evse_id", "public_code"]
    readonly_fields = ["station", "evse_id"]
    inlines = [ConnectorInline]
    operator_path = "station__site__operator"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        note_change(form.instance.station_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Connector)
class ConnectorAdmin(ConsoleAdmin):
    list_display = ["name", "type", "power", "status_label", "error_code", "status_at"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("type", ChoicesDropdownFilter),
        ("evse__station__site", ScopedRelatedFilter),
    ]
    list_select_related = ["evse__station"]
    search_fields = ["evse__station__identity__istartswith", "evse__public_code__iexact"]
    fields = ["evse", "connector_id", "type", "max_power_w"]
    readonly_fields = ["evse", "connector_id"]
    operator_path = "evse__station__site__operator"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description=_("connector"), ordering="evse__station__identity")
    def name(self, connector: Connector) -> str:
        return str(connector.evse)

    @display(description=_("power"), ordering="max_power_w")
    def power(self, connector: Connector) -> str:
        return f"{connector.max_power_w / 1000:g} kW" if connector.max_power_w else "–"

    @display(description=_("status"), ordering="status", label=CONNECTOR_LABELS)
    def status_label(self, connector: Connector) -> str:
        return connector.status
