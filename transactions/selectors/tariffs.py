"""Which tariff applies, and what it says."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.selectors.scope import operators_of
from chargepoints.models import Evse
from transactions.domain.pricing import TariffTerms
from transactions.domain.windows import HolidayRule, Window
from transactions.models import (
    Holiday,
    Tariff,
    TariffAssignment,
    TariffVersion,
    TariffWindow,
)

if TYPE_CHECKING:
    from accounts.selectors.scope import Caller


def visible_to(caller: "Caller") -> QuerySet[Tariff]:
    """The tariffs of the caller's operators."""
    operators = operators_of(caller)
    if operators == "all":
        return Tariff.objects.all()
    return Tariff.objects.filter(operator_id__in=operators)


def version_for(evse: Evse, at: datetime) -> TariffVersion | None:
    """The version that prices a session which starts at this EVSE at `at`; one query.

    The narrowest assignment in effect wins: EVSE, station, site, then the operator's default
    tariff. A tariff that has no version in effect yet does not give way to a wider one. `evse`
    comes with its station and site loaded.
    """
    station = evse.station

    def assigned(**place: object) -> Subquery:
        return Subquery(
            TariffAssignment.objects.filter(effective_from__lte=at, **place)
            .order_by("-effective_from", "-pk")
            .values("tariff_id")[:1]
        )

    default = Tariff.objects.filter(operator_id=station.site.operator_id, is_default=True)
    tariff = Coalesce(
        assigned(evse=evse.pk),
        assigned(station=station.pk),
        assigned(site=station.site_id),
        Subquery(default.values("pk")[:1]),
    )
    return (
        TariffVersion.objects.filter(tariff_id=tariff, effective_from__lte=at)
        .select_related("tariff", "holiday_calendar")
        .order_by("-effective_from")
        .first()
    )


def terms_of(version: TariffVersion) -> TariffTerms:
    """The version as the value that pricing works with; one query, two if holidays matter."""
    windows = tuple(
        Window(
            name=window.name,
            weekdays=frozenset(window.weekdays),
            starts_at=window.starts_at,
            ends_at=window.ends_at,
            price_per_kwh=window.price_per_kwh,
            holidays=HolidayRule(window.holidays),
            priority=window.priority,
        )
        for window in TariffWindow.objects.filter(version=version).order_by("priority", "pk")
    )
    holidays: frozenset[date] = frozenset()
    if version.holiday_calendar_id and any(w.holidays != HolidayRule.ANY for w in windows):
        holidays = frozenset(
            Holiday.objects.filter(calendar_id=version.holiday_calendar_id).values_list(
                "date", flat=True
            )
        )
    return TariffTerms(
        price_per_kwh=version.price_per_kwh,
        price_per_minute=version.price_per_minute,
        price_per_session=version.price_per_session,
        idle_price_per_minute=version.idle_price_per_minute,
        idle_grace_minutes=version.idle_grace_minutes,
        vat_percent=version.vat_percent,
        by_start=version.energy_pricing == TariffVersion.EnergyPricing.BY_START,
        windows=windows,
        holidays=holidays,
    )


def versions_of(tariff: Tariff) -> QuerySet[TariffVersion]:
    """All versions with their windows, newest first."""
    return tariff.versions.select_related("holiday_calendar").prefetch_related("windows")
