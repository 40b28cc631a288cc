"""What a charger holds: its configuration and its list of tokens."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from chargepoints.models import ConfigurationValue, LocalList, LocalListEntry, LocalListUpdate
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, pretty


@admin.register(ConfigurationValue)
class ConfigurationValueAdmin(ReadOnlyAdmin):
    list_display = ["key", "station", "value", "is_readonly", "needs_reboot", "known_at"]
    list_display_links = ["key"]
    list_filter = [("station", ScopedAutocompleteFilter), "needs_reboot"]
    list_select_related = ["station"]
    exact_search = {"key": str}
    search_help_text = _("A whole key.")
    ordering = ["station", "key"]
    operator_path = "station__site__operator"


@admin.register(LocalList)
class LocalListAdmin(ReadOnlyAdmin):
    list_display = [
        "station",
        "version",
        "reported_version",
        "is_in_step",
        "needs_full",
        "confirmed_at",
    ]
    list_display_links = ["station"]
    list_filter = [("station", ScopedAutocompleteFilter), "is_in_step"]
    list_select_related = ["station"]
    ordering = ["station"]
    operator_path = "station__site__operator"


@admin.register(LocalListEntry)
class LocalListEntryAdmin(ReadOnlyAdmin):
    list_display = ["token", "place", "status", "expires_at", "group"]
    list_display_links = ["token"]
    list_filter = [("local_list__station", ScopedAutocompleteFilter)]
    list_select_related = ["local_list__station"]
    exact_search = {"token": str}
    search_help_text = _("A whole token.")
    ordering = ["local_list", "token"]
    operator_path = "local_list__station__site__operator"

    @display(description=_("station"))
    def place(self, entry: LocalListEntry) -> Any:
        return entry.local_list.station


@admin.register(LocalListUpdate)
class LocalListUpdateAdmin(ReadOnlyAdmin):
    list_display = ["sent_at", "place", "version", "is_full", "is_last", "outcome"]
    list_display_links = ["sent_at"]
    list_filter = [("local_list__station", ScopedAutocompleteFilter)]
    list_select_related = ["local_list__station", "command"]
    ordering = ["-id"]
    fields = ["command", "version", "is_full", "is_last", "sent_at", "entries_pretty"]
    operator_path = "local_list__station__site__operator"

    @display(description=_("station"))
    def place(self, update: LocalListUpdate) -> Any:
        return update.local_list.station

    @display(description=_("answer"))
    def outcome(self, update: LocalListUpdate) -> str:
        return update.command.status

    @display(description=_("entries"))
    def entries_pretty(self, update: LocalListUpdate) -> SafeString | str:
        return pretty(update.entries)
