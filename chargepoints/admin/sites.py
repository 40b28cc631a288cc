from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chargepoints.models import Site
from chargepoints.services import sites
from csms.common.admin import ConsoleAdmin, ScopedRelatedFilter


@admin.register(Site)
class SiteAdmin(ConsoleAdmin):
    list_display = ["name", "name_th", "operator", "district", "province", "is_active"]
    list_filter = [("operator", ScopedRelatedFilter), "is_active"]
    list_select_related = ["operator"]
    search_fields = ["name", "name_th", "province__istartswith"]
    operator_path = "operator"
    fieldsets = [
        (None, {"fields": ["operator", ("name", "name_th"), "is_active"]}),
        (
            _("Place"),
            {
                "fields": [
                    "address",
                    ("district", "province", "postal_code"),
                    ("latitude", "longitude"),
                ]
            },
        ),
        (_("Opening hours"), {"fields": ["opening_hours"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # A site moves to another operator with its whole history: nothing that a form should do.
        return ["operator"] if obj else []

    def save_model(self, request: HttpRequest, obj: Site, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made = sites.create_site(actor=cast(User, request.user), **form.cleaned_data)
        obj.pk = made.pk

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The service has recorded it."""
