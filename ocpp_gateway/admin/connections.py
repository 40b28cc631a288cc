from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from csms.common.admin import ReadOnlyAdmin
from ocpp_gateway.models import GatewayNode, StationConnection


@admin.register(StationConnection)
class StationConnectionAdmin(ReadOnlyAdmin):
    list_display = ["link", "state", "version", "remote_address", "connected_at", "closed_at"]
    list_select_related = ["station"]
    search_fields = ["station__identity__istartswith", "remote_address__exact"]
    ordering = ["station__identity"]
    operator_path = "station__site__operator"

    @display(description=_("station"), ordering="station__identity")
    def link(self, connection: StationConnection) -> SafeString:
        url = reverse("admin:console_station", args=[connection.station_id])
        name = connection.station.identity
        return format_html('<a href="{}" class="cs-rowlink">{}</a>', url, name)

    @display(description=_("state"), label={"online": "success", "offline": "danger"})
    def state(self, connection: StationConnection) -> tuple[str, str]:
        if connection.station.is_online:
            return "online", gettext("Online")
        return "offline", gettext("Offline")


@admin.register(GatewayNode)
class GatewayNodeAdmin(ReadOnlyAdmin):
    list_display = ["host", "process_id", "started_at", "heartbeat_at"]
    list_display_links = ["host"]
    ordering = ["-heartbeat_at"]
    operator_path = None
