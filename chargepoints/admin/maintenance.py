"""Firmware updates and uploads of logs, and every report of their progress."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.admin.labels import JOB_LABELS
from chargepoints.models import MaintenanceEvent, MaintenanceJob
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter
from csms.common.state_names import NAMES, labelled


@admin.register(MaintenanceJob)
class MaintenanceJobAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        "station",
        "kind_name",
        "request_id",
        "state_label",
        "progress",
        "progress_at",
        "file_name",
    ]
    list_display_links = ["created_at"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("station", ScopedAutocompleteFilter),
    ]
    list_select_related = ["station"]
    ordering = ["-id"]
    operator_path = "station__site__operator"

    @display(description=_("kind"), ordering="kind")
    def kind_name(self, job: MaintenanceJob) -> str:
        return str(NAMES[job.kind])

    @display(description=_("state"), ordering="state", label=JOB_LABELS)
    def state_label(self, job: MaintenanceJob) -> tuple[str, str]:
        return labelled(job.state)


@admin.register(MaintenanceEvent)
class MaintenanceEventAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "station", "kind", "status", "request_id", "job"]
    list_display_links = ["received_at"]
    list_filter = [("kind", ChoicesDropdownFilter), ("station", ScopedAutocompleteFilter)]
    list_select_related = ["station", "job"]
    ordering = ["-id"]
    operator_path = "station__site__operator"
