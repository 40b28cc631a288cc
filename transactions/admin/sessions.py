from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import display

from accounts.models import IdToken
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, pretty, whole_number
from csms.common.state_names import colours, labelled
from transactions.domain.states import SessionState
from transactions.models import CostLine, Reading, Session, SessionEvent

STATE_LABELS = colours(
    {
        "PENDING": "warning",
        "STARTING": "warning",
        "ACTIVE": "info",
        "INTERRUPTED": "danger",
        "ENDED": "success",
        "FAILED": "danger",
    }
)


def tokens_named(term: str) -> list[int]:
    """The ids, not a subquery: so that the search stays on the index of the sessions' tokens."""
    tokens = IdToken.objects.alias(folded=Lower("token")).filter(folded=term.lower())
    return list(tokens.values_list("pk", flat=True))


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Its own page is in the console; the record with every field opens by `?record=1`."""

    list_display = [
        "link",
        "station",
        "state_label",
        "id_token_value",
        "started_at",
        "ended_at",
        "energy",
        "total",
    ]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("station", ScopedAutocompleteFilter),
        ("started_at", RangeDateFilter),
        "is_held",
    ]
    list_select_related = ["station"]
    exact_search = {
        "pk": whole_number,
        "public_id": UUID,
        "ocpp_transaction_id": str,
        "id_token_id__in": tokens_named,
    }
    search_help_text = _("A whole session number, id, card or transaction id.")
    ordering = ["-id"]
    operator_path = "station__site__operator"
    exclude = ["start_key"]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if "record" in request.GET:
            return super().change_view(request, object_id, form_url, extra_context)
        session = self.get_object(request, object_id)
        if session is None:
            raise Http404
        return HttpResponseRedirect(reverse("admin:console_session", args=[session.public_id]))

    @display(description=_("session"), ordering="id")
    def link(self, session: Session) -> SafeString:
        url = reverse("admin:console_session", args=[session.public_id])
        return format_html('<a href="{}" class="cs-rowlink">#{}</a>', url, session.pk)

    @display(description=_("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, session: Session) -> tuple[str, str]:
        if session.state == SessionState.ACTIVE:
            # As on the dashboard.
            return session.state, gettext("Charging")
        return labelled(session.state)

    @display(description=_("energy"), ordering="energy_wh")
    def energy(self, session: Session) -> str:
        return f"{session.energy_wh / 1000:.3f} kWh"

    @display(description=_("total"), ordering="total_gross")
    def total(self, session: Session) -> str:
        if session.total_gross is None:
            return "–"
        return f"{session.total_gross:,.2f} {session.currency}"


@admin.register(SessionEvent)
class SessionEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "kind", "session_number", "detail_pretty"]
    list_display_links = ["at"]
    exact_search = {"session_id": whole_number}
    search_help_text = _("A whole session number.")
    ordering = ["-id"]
    fields = ["session", "at", "kind", "detail_pretty"]
    operator_path = "session__station__site__operator"

    @display(description=_("session"))
    def session_number(self, event: SessionEvent) -> str:
        return f"#{event.session_id}"

    @display(description=_("detail"))
    def detail_pretty(self, event: SessionEvent) -> SafeString | str:
        return pretty(event.detail)


@admin.register(CostLine)
class CostLineAdmin(ReadOnlyAdmin):
    list_display = ["session_number", "kind", "name", "quantity", "unit", "net", "tax", "gross"]
    list_display_links = ["session_number"]
    list_filter = [("kind", ChoicesDropdownFilter)]
    exact_search = {"session_id": whole_number}
    search_help_text = _("A whole session number.")
    ordering = ["-id"]
    operator_path = "session__station__site__operator"

    @display(description=_("session"))
    def session_number(self, line: CostLine) -> str:
        return f"#{line.session_id}"


@admin.register(Reading)
class ReadingAdmin(ReadOnlyAdmin):
    list_display = [
        "measured_at",
        "station",
        "session_number",
        "energy_wh",
        "power_w",
        "soc_percent",
        "current_a",
        "voltage_v",
    ]
    list_display_links = ["measured_at"]
    list_select_related = ["station"]
    exact_search = {"session_id": whole_number}
    search_help_text = _("A whole session number.")
    # The key begins with the time: an index serves this order, whatever the size.
    ordering = ["-id"]
    operator_path = "station__site__operator"
    exclude = ["extra"]
    readonly_fields = ["extra_pretty"]

    @display(description=_("session"))
    def session_number(self, reading: Reading) -> str:
        return f"#{reading.session_id}" if reading.session_id else "–"

    @display(description=_("further values"))
    def extra_pretty(self, reading: Reading) -> SafeString | str:
        return pretty(reading.extra)
