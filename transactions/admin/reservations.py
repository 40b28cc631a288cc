from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter
from csms.common.state_names import colours, labelled
from transactions.models import Reservation

STATE_LABELS = colours(
    {
        "REQUESTED": "warning",
        "ACTIVE": "info",
        "USED": "success",
        "REJECTED": "danger",
        "FAILED": "danger",
    }
)


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Made and cancelled by commands; here is the record."""

    list_display = [
        "created_at",
        "station",
        "connector",
        "reservation_id",
        "id_token",
        "state_label",
        "expires_at",
        "detail",
    ]
    list_display_links = ["created_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station", "connector__evse__station", "id_token"]
    ordering = ["-id"]
    operator_path = "station__site__operator"

    @display(description=_("state"), ordering="state", label=STATE_LABELS)
    def state_label(self, reservation: Reservation) -> tuple[str, str]:
        return labelled(reservation.state)
