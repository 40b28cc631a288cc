"""Smart charging: the limits that chargers were given and what they make of them."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.admin.labels import PROFILE_LABELS
from chargepoints.models import ChargingProfile, CompositeSchedule
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, pretty
from csms.common.state_names import labelled


@admin.register(ChargingProfile)
class ChargingProfileAdmin(ReadOnlyAdmin):
    """Given and cleared by commands; here is the record."""

    list_display = [
        "created_at",
        "station",
        "evse_id",
        "profile_id",
        "purpose",
        "stack_level",
        "limits",
        "state_label",
    ]
    list_display_links = ["created_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station"]
    ordering = ["-id"]
    operator_path = "station__site__operator"

    @display(description=_("limits"))
    def limits(self, profile: ChargingProfile) -> str:
        steps = ", ".join(f"{period['limit'] / 10:g}" for period in profile.periods[:5])
        return f"{steps} {profile.unit}"

    @display(description=_("state"), ordering="state", label=PROFILE_LABELS)
    def state_label(self, profile: ChargingProfile) -> tuple[str, str]:
        return labelled(profile.state)


@admin.register(CompositeSchedule)
class CompositeScheduleAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "station", "evse_id", "starts_at", "unit", "is_as_expected"]
    list_display_links = ["received_at"]
    list_filter = [("station", ScopedAutocompleteFilter), "is_as_expected"]
    list_select_related = ["station"]
    ordering = ["-id"]
    fields = [
        "station",
        "command",
        "evse_id",
        "starts_at",
        "duration",
        "unit",
        "reported_pretty",
        "expected_pretty",
        "is_as_expected",
        "received_at",
    ]
    operator_path = "station__site__operator"

    @display(description=_("what the charger says"))
    def reported_pretty(self, schedule: CompositeSchedule) -> SafeString | str:
        return pretty(schedule.reported)

    @display(description=_("what its profiles amount to"))
    def expected_pretty(self, schedule: CompositeSchedule) -> SafeString | str:
        return pretty(schedule.expected)
