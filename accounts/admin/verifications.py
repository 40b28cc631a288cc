"""What support looks up: was a code asked for, did it go out, which account is linked."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.models import AccountMessage, ExternalIdentity, Verification
from csms.common.admin import ReadOnlyAdmin


class ContactColumn:
    @display(description=_("contact"))
    def sent_to(self, row: Verification | AccountMessage) -> str:
        return row.contact.hint


@admin.register(Verification)
class VerificationAdmin(ContactColumn, ReadOnlyAdmin):
    list_display = ["requested_at", "purpose", "channel", "sent_to", "failures", "closed_at"]
    list_display_links = ["requested_at"]
    list_filter = [("purpose", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter)]
    fields = [
        "purpose",
        "channel",
        "sent_to",
        "user",
        "network",
        "language",
        "failures",
        "requested_at",
        "expires_at",
        "closed_at",
    ]
    readonly_fields = ["sent_to"]
    operator_path = None


@admin.register(AccountMessage)
class AccountMessageAdmin(ContactColumn, ReadOnlyAdmin):
    list_display = ["queued_at", "kind", "channel", "sent_to", "attempts", "sent_at", "refused_at"]
    list_display_links = ["queued_at"]
    list_filter = [("kind", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter)]
    fields = [
        "kind",
        "channel",
        "sent_to",
        "language",
        "attempts",
        "queued_at",
        "send_before",
        "sent_at",
        "refused_at",
    ]
    readonly_fields = ["sent_to"]
    operator_path = None


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnlyAdmin):
    list_display = ["provider", "user", "created_at", "last_used_at"]
    list_display_links = ["provider"]
    list_select_related = ["user"]
    fields = ["provider", "subject", "user", "created_at", "last_used_at"]
    operator_path = None
