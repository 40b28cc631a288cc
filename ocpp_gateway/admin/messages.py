import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, FieldTextFilter, RangeDateTimeFilter
from unfold.decorators import display

from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, pretty
from ocpp_gateway.models import Message

STATION_PARAMETER = "station__id__exact"
TYPE_LABELS = {
    "CALL": "info",
    "CALLRESULT": "success",
    "CALLERROR": "danger",
    "MALFORMED": "danger",
}


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ["at", "station", "arrow", "type_label", "action", "message_id", "latency"]
    list_display_links = ["at"]
    list_filter = [
        ("station", ScopedAutocompleteFilter),
        ("direction", ChoicesDropdownFilter),
        ("type", ChoicesDropdownFilter),
        ("action", FieldTextFilter),
        ("at", RangeDateTimeFilter),
    ]
    list_select_related = ["station"]
    exact_search = {"message_id": str}
    search_help_text = _("A whole message id; choose the station in the filters first.")
    # The key begins with the time: an index serves this order, whatever the size.
    ordering = ["-id"]
    operator_path = "station__site__operator"
    fields = [
        "at",
        "station",
        "direction",
        "type",
        "action",
        "message_id",
        "latency_ms",
        "epoch",
        "frame",
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        # Only a station's messages are indexed: without one the whole archive would be read.
        if search_term and STATION_PARAMETER not in request.GET:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=_("direction"))
    def arrow(self, message: Message) -> str:
        sign = "↑" if message.direction == Message.Direction.IN else "↓"
        return f"{sign} {message.get_direction_display()}"

    @display(description=_("type"), label=TYPE_LABELS)
    def type_label(self, message: Message) -> str:
        return message.type

    @display(description=_("latency"))
    def latency(self, message: Message) -> str:
        return "–" if message.latency_ms is None else f"{message.latency_ms} ms"

    @display(description=_("frame"))
    def frame(self, message: Message) -> SafeString | str:
        try:
            return pretty(json.loads(message.payload))
        except ValueError:
            # Malformed: shown as it came.
            return format_html('<pre class="cs-json">{}</pre>', message.payload)
