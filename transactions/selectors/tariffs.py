"""Which tariff applies, and what it says."""

from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Prefetch, Q, QuerySet

from accounts.selectors.scope import Caller, is_staff_like, within_scope
from chargepoints.models import Evse
from csms.common.errors import NotFound
from csms.common.rows import columns, fetch_all, values
from transactions.domain.pricing import TariffTerms
from transactions.domain.windows import HolidayRule, Window
from transactions.models import (
    Holiday,
    Tariff,
    TariffAssignment,
    TariffVersion,
    TariffWindow,
)


def visible_to(caller: Caller) -> QuerySet[Tariff]:
    """The tariffs of the caller's operators."""
    return Tariff.objects.filter(within_scope(caller, "operator"))


def in_use(at: datetime) -> QuerySet[Tariff]:
    """The tariffs that the public meets at `at`: defaults, and what is assigned to open places."""
    assigned = TariffAssignment.objects.filter(
        Q(site__is_active=True)
        | Q(station__site__is_active=True, station__archived_at__isnull=True)
        | Q(evse__station__site__is_active=True, evse__station__archived_at__isnull=True),
        effective_from__lte=at,
    )
    return Tariff.objects.filter(
        Q(is_default=True) | Q(pk__in=assigned.values("tariff")), operator__is_active=True
    )


def version_in_effect(caller: Caller, tariff_id: int, at: datetime) -> TariffVersion:
    """What the tariff says at `at`, with its windows.

    `NotFound` where the caller may not see it or it says nothing yet. Staff and keys see their
    operators' tariffs, everybody else those in use.
    """
    visible = visible_to(caller) if is_staff_like(caller) else in_use(at)
    windows: Prefetch[Any] = Prefetch("windows", TariffWindow.objects.order_by("priority", "pk"))
    found = (
        TariffVersion.objects.filter(
            tariff__in=visible.filter(pk=tariff_id), effective_from__lte=at
        )
        .select_related("tariff")
        .prefetch_related(windows)
        .order_by("-effective_from")
        .first()
    )
    if found is None:
        raise NotFound
    return found


def _assigned(place: str) -> str:
    return (
        f"(SELECT tariff_id FROM transactions_tariffassignment WHERE {place}_id = %s "  # noqa: S608
        "AND effective_from <= %s ORDER BY effective_from DESC, id DESC LIMIT 1)"
    )


# Written out, because every start runs it and building it costs ten times as much as running it.
_VERSION_AT = f"""
SELECT version.id, tariff.currency
FROM transactions_tariffversion AS version
JOIN transactions_tariff AS tariff ON tariff.id = version.tariff_id
WHERE version.effective_from <= %s AND tariff.id = COALESCE(
    {_assigned("evse")}, {_assigned("station")}, {_assigned("site")},
    (SELECT id FROM transactions_tariff WHERE operator_id = %s AND is_default)
)
ORDER BY version.effective_from DESC LIMIT 1
"""  # noqa: S608


class VersionInEffect(NamedTuple):
    version_id: int
    currency: str


def version_at(
    *, evse_id: int, station_id: int, site_id: int, operator_id: int, at: datetime
) -> VersionInEffect | None:
    """The version that prices a session which starts there at `at`; ids are primary keys.

    The narrowest assignment in effect wins: EVSE, station, site, then the operator's default
    tariff. A tariff that has no version in effect yet does not give way to a wider one. One query.
    """
    moment = connection.ops.adapt_datetimefield_value(at)
    parameters = [moment, evse_id, moment, station_id, moment, site_id, moment, operator_id]
    with connection.cursor() as cursor:
        cursor.execute(_VERSION_AT, parameters)
        row = cursor.fetchone()
    return None if row is None else VersionInEffect(*row)


def version_for(evse: Evse, at: datetime) -> TariffVersion | None:
    """The same for an EVSE that comes with its station and site, as an object with its tariff."""
    found = version_at(
        evse_id=evse.pk,
        station_id=evse.station_id,
        site_id=evse.station.site_id,
        operator_id=evse.station.site.operator_id,
        at=at,
    )
    if found is None:
        return None
    return TariffVersion.objects.select_related("tariff").get(pk=found.version_id)


_WINDOW = ("name", "weekdays", "starts_at", "ends_at", "price_per_kwh", "holidays", "priority")
# Written out, because every stop runs it and building it costs more than running it.
_WINDOWS = """
FROM transactions_tariffwindow AS part
WHERE version_id = %s
ORDER BY priority, id
"""


def terms_of(version: TariffVersion) -> TariffTerms:
    """The version as the value that pricing works with; one query, two if holidays matter."""
    statement = f"SELECT {columns(TariffWindow, 'part', _WINDOW)} {_WINDOWS}"
    rows = (values(TariffWindow, _WINDOW, row) for row in fetch_all(statement, [version.pk]))
    windows = tuple(
        Window(
            name=name,
            weekdays=frozenset(weekdays),
            starts_at=starts_at,
            ends_at=ends_at,
            price_per_kwh=price_per_kwh,
            holidays=HolidayRule(holidays),
            priority=priority,
        )
        for name, weekdays, starts_at, ends_at, price_per_kwh, holidays, priority in rows
    )
    days: frozenset[date] = frozenset()
    if version.holiday_calendar_id and any(w.holidays != HolidayRule.ANY for w in windows):
        days = frozenset(
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
        holidays=days,
    )
