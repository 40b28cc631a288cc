"""What people asked us to do with their data, and what the nightly job did: to look at."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.models import AccountDeletion, ConsentRecord, DataExport, RetentionRun
from csms.common.admin import ReadOnlyAdmin, pretty, whole_number


@admin.register(ConsentRecord)
class ConsentRecordAdmin(ReadOnlyAdmin):
    list_display = ["at", "user", "purpose", "decision", "text_version", "channel"]
    list_display_links = ["at"]
    list_select_related = ["user"]
    list_filter = [("purpose", ChoicesDropdownFilter), ("decision", ChoicesDropdownFilter)]
    exact_search = {"user_id": whole_number}
    fields = ["at", "user", "purpose", "decision", "text_version", "channel", "remote_address"]
    operator_path = None


@admin.register(DataExport)
class DataExportAdmin(ReadOnlyAdmin):
    """That there was one; the file itself is for its owner alone."""

    list_display = ["requested_at", "user", "state", "attempts", "ready_at", "expires_at"]
    list_display_links = ["requested_at"]
    list_select_related = ["user"]
    list_filter = [("state", ChoicesDropdownFilter)]
    exact_search = {"user_id": whole_number}
    fields = [
        "user",
        "state",
        "requested_at",
        "claimed_at",
        "attempts",
        "ready_at",
        "expires_at",
        "size_bytes",
        "mailed_at",
    ]
    operator_path = None


@admin.register(AccountDeletion)
class AccountDeletionAdmin(ReadOnlyAdmin):
    list_display = ["at", "user"]
    list_display_links = ["at"]
    list_select_related = ["user"]
    exact_search = {"user_id": whole_number}
    fields = ["at", "user", "erased_pretty", "kept_pretty"]
    operator_path = None

    @display(description=_("erased"))
    def erased_pretty(self, deletion: AccountDeletion) -> SafeString | str:
        return pretty(deletion.erased)

    @display(description=_("kept"))
    def kept_pretty(self, deletion: AccountDeletion) -> SafeString | str:
        return pretty(deletion.kept)


@admin.register(RetentionRun)
class RetentionRunAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "kind", "days", "limit", "removed", "outcome"]
    list_display_links = ["started_at"]
    exact_search = {"kind": str}
    fields = [
        "kind",
        "days",
        "limit",
        "started_at",
        "finished_at",
        "removed",
        "is_complete",
        "error",
    ]
    operator_path = None

    @display(
        description=_("outcome"),
        label={"complete": "success", "stopped": "warning", "failed": "danger"},
    )
    def outcome(self, run: RetentionRun) -> tuple[str, Any]:
        if run.error:
            return "failed", run.error
        if run.is_complete:
            return "complete", gettext("complete")
        return "stopped", gettext("goes on")
