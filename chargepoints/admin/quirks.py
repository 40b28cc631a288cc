"""Profiles of how chargers deviate: SUPERADMIN edits them, staff choose one for a station."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import User
from chargepoints.models import QuirkProfile
from chargepoints.selectors.quirks import with_station_counts
from csms.common.admin import ConsoleAdmin


@admin.register(QuirkProfile)
class QuirkProfileAdmin(ConsoleAdmin):
    list_display = ["name", "vendor", "model", "firmware", "is_active", "station_count"]
    list_filter = ["is_active"]
    search_fields = ["name", "vendor", "model"]
    ordering = ["name"]
    operator_path = ""
    readonly_fields = ["station_count"]
    fieldsets = [
        (None, {"fields": ["name", "is_active", "note", "station_count"]}),
        (
            _("For which chargers"),
            {
                "fields": ["vendor", "model", "firmware"],
                "description": _(
                    "Of the profiles that fit, the one that says the most counts. One without any "
                    "of these fits nobody: a station has to name it. This is looked at when a "
                    "charger boots; what is said below counts from its next connection or boot."
                ),
            },
        ),
        (_("Connection"), {"fields": ["default_subprotocol", "answers_no_pings"]}),
        (
            _("Messages"),
            {
                "fields": [
                    "strictness",
                    "register_kind",
                    "clock_zone",
                    "is_available_before_stop",
                ]
            },
        ),
        (
            _("Commands"),
            {
                "fields": [
                    "start_connector",
                    "needs_trigger_connector",
                    "longest_configuration_value",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_station_counts(super().get_queryset(request), cast(User, request.user))

    @display(description=_("stations"), ordering="station_count")
    def station_count(self, profile: QuirkProfile) -> int:
        return getattr(profile, "station_count", 0)
