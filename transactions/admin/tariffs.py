from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import User
from csms.common.admin import ConsoleAdmin, ScopedInline, ScopedRelatedFilter
from transactions.models import (
    Holiday,
    HolidayCalendar,
    Tariff,
    TariffAssignment,
    TariffVersion,
    TariffWindow,
)
from transactions.services import tariffs

WEEKDAYS = [
    (1, _("Mon")),
    (2, _("Tue")),
    (3, _("Wed")),
    (4, _("Thu")),
    (5, _("Fri")),
    (6, _("Sat")),
    (7, _("Sun")),
]


class HolidayInline(ScopedInline):
    model = Holiday
    fields = ["date", "name"]
    extra = 1
    can_delete = True


@admin.register(HolidayCalendar)
class HolidayCalendarAdmin(ConsoleAdmin):
    """Shared by all operators: SUPERADMIN keeps it, STAFF read it."""

    list_display = ["name"]
    search_fields = ["name"]
    inlines = [HolidayInline]
    operator_path = ""


class VersionInline(ScopedInline):
    """The versions of a tariff, to look at; a new one is added on its own page."""

    model = TariffVersion
    fields = ["effective_from", "price_per_kwh", "price_per_minute", "idle_price_per_minute"]
    readonly_fields = fields
    show_change_link = True
    verbose_name_plural = _("versions")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Tariff)
class TariffAdmin(ConsoleAdmin):
    list_display = ["name", "operator", "currency", "is_default"]
    list_filter = [("operator", ScopedRelatedFilter), "is_default"]
    list_select_related = ["operator"]
    search_fields = ["name"]
    fields = ["operator", "name", "currency", "is_default"]
    inlines = [VersionInline]
    operator_path = "operator"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["operator", "currency"] if obj else []


class WindowForm(forms.ModelForm):
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        choices=WEEKDAYS,
        coerce=int,
        initial=[1, 2, 3, 4, 5],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = TariffWindow
        fields = (
            "name",
            "priority",
            "weekdays",
            "starts_at",
            "ends_at",
            "holidays",
            "price_per_kwh",
        )


class WindowInline(ScopedInline):
    model = TariffWindow
    form = WindowForm
    extra = 1


@admin.register(TariffVersion)
class TariffVersionAdmin(ConsoleAdmin):
    """What was in force once stays as it was: a version can be added, never changed."""

    list_display = ["tariff", "effective_from", "price_per_kwh", "price_per_minute", "vat_percent"]
    list_filter = [("tariff", ScopedRelatedFilter), ("effective_from", RangeDateFilter)]
    list_select_related = ["tariff"]
    search_fields = ["tariff__name"]
    ordering = ["tariff", "-effective_from"]
    autocomplete_fields = ["tariff"]
    inlines = [WindowInline]
    operator_path = "tariff__operator"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TariffAssignment)
class TariffAssignmentAdmin(ConsoleAdmin):
    """Which tariff applies where; a change of price is a new row with a later date."""

    list_display = ["tariff", "place", "effective_from"]
    list_filter = [("tariff", ScopedRelatedFilter)]
    list_select_related = ["tariff", "site", "station", "evse__station"]
    search_fields = ["tariff__name", "station__identity__istartswith", "site__name"]
    ordering = ["-effective_from"]
    fields = ["tariff", "site", "station", "evse", "effective_from"]
    autocomplete_fields = ["tariff", "site", "station", "evse"]
    operator_path = "tariff__operator"
    is_audited_by_service = True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = AssignmentForm
        return super().get_form(request, obj, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = tariffs.assign(
            obj.tariff,
            form.place(),
            actor=cast(User, request.user),
            effective_from=obj.effective_from,
        )
        obj.pk = made.pk

    @display(description=_("place"))
    def place(self, assignment: TariffAssignment) -> str:
        return str(assignment.evse or assignment.station or assignment.site)


class AssignmentForm(forms.ModelForm):
    class Meta:
        model = TariffAssignment
        fields = ("tariff", "site", "station", "evse", "effective_from")

    def place(self) -> Any:
        data = self.cleaned_data
        return data.get("evse") or data.get("station") or data.get("site")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        places = [name for name in ("site", "station", "evse") if cleaned.get(name)]
        if len(places) != 1:
            raise forms.ValidationError(_("Choose one place: a site, a station or an EVSE."))
        tariff, place = cleaned.get("tariff"), self.place()
        if tariff is not None and _operator_id(place) != tariff.operator_id:
            raise forms.ValidationError(_("The tariff belongs to another operator."))
        return cleaned


def _operator_id(place: Any) -> int:
    site = getattr(place, "site", None) or getattr(getattr(place, "station", None), "site", place)
    return int(site.operator_id)
