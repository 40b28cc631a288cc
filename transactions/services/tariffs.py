"""Tariffs change by new versions and new assignments; what is written once stays."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Operator
from chargepoints.models import Evse, Site, Station
from csms.common.audit import Actor, record
from csms.common.errors import Conflict, FieldError, InvalidInput
from transactions.domain.windows import Window
from transactions.models import (
    Holiday,
    HolidayCalendar,
    Tariff,
    TariffAssignment,
    TariffVersion,
    TariffWindow,
)

Place = Site | Station | Evse
LARGEST_PRICE = Decimal("999999.9999")


def tariff_named(operator: Operator, name: str, *, is_default: bool = False) -> Tariff:
    """The operator's tariff of that name, made if there is none; it says nothing yet."""
    tariff, _is_new = Tariff.objects.get_or_create(
        operator=operator,
        name=name,
        defaults={"currency": operator.currency, "is_default": is_default},
    )
    return tariff


def create_version(
    tariff: Tariff,
    *,
    actor: Actor,
    effective_from: datetime,
    price_per_kwh: Decimal,
    price_per_minute: Decimal = Decimal(0),
    price_per_session: Decimal = Decimal(0),
    idle_price_per_minute: Decimal = Decimal(0),
    idle_grace_minutes: int = 10,
    vat_percent: Decimal = Decimal(7),
    energy_pricing: str = TariffVersion.EnergyPricing.SPLIT,
    holiday_calendar: HolidayCalendar | None = None,
    windows: Sequence[Window] = (),
) -> TariffVersion:
    """What the tariff costs from `effective_from` on. Prices in its currency, VAT included.

    Raises `InvalidInput`, and `Conflict` where a version of that moment exists.
    """
    prices = {
        "price_per_kwh": price_per_kwh,
        "price_per_minute": price_per_minute,
        "price_per_session": price_per_session,
        "idle_price_per_minute": idle_price_per_minute,
    }
    _check(prices, vat_percent, idle_grace_minutes, windows)
    try:
        with transaction.atomic():
            version = TariffVersion.objects.create(
                tariff=tariff,
                effective_from=effective_from,
                idle_grace_minutes=idle_grace_minutes,
                vat_percent=vat_percent,
                energy_pricing=energy_pricing,
                holiday_calendar=holiday_calendar,
                **prices,
            )
            TariffWindow.objects.bulk_create(_window(version, window) for window in windows)
            changes: dict[str, Any] = {name: str(value) for name, value in prices.items()}
            changes["effective_from"] = effective_from.isoformat()
            record(actor, "tariff.version", version, changes=changes)
    except IntegrityError as error:
        raise Conflict(_("The tariff has a version from that moment already.")) from error
    return version


def _window(version: TariffVersion, window: Window) -> TariffWindow:
    return TariffWindow(
        version=version,
        name=window.name,
        priority=window.priority,
        weekdays=sorted(window.weekdays),
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        holidays=window.holidays.value,
        price_per_kwh=window.price_per_kwh,
    )


def _is_price(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= LARGEST_PRICE


def _check(
    prices: dict[str, Decimal],
    vat_percent: Decimal,
    idle_grace_minutes: int,
    windows: Sequence[Window],
) -> None:
    errors = [
        FieldError(name, "out_of_range", _("A price lies between 0 and 999,999.9999."))
        for name, value in prices.items()
        if not _is_price(value)
    ]
    if not (vat_percent.is_finite() and 0 <= vat_percent <= 100):
        errors.append(FieldError("vat_percent", "out_of_range", _("VAT lies between 0 and 100.")))
    if not 0 <= idle_grace_minutes <= 32_767:
        errors.append(
            FieldError("idle_grace_minutes", "out_of_range", _("Give whole minutes from 0 on."))
        )
    for number, window in enumerate(windows):
        field = f"windows.{number}"
        if not window.weekdays or not window.weekdays <= set(range(1, 8)):
            errors.append(
                FieldError(field, "weekdays", _("Weekdays are 1 (Monday) to 7 (Sunday)."))
            )
        if not _is_price(window.price_per_kwh):
            errors.append(
                FieldError(field, "out_of_range", _("A price lies between 0 and 999,999.9999."))
            )
    if errors:
        raise InvalidInput(_("The tariff is not valid."), errors=errors)


def assign(
    tariff: Tariff, place: Place, *, actor: Actor, effective_from: datetime
) -> TariffAssignment:
    """Let `tariff` apply at a site, station or EVSE from `effective_from` on; once per content.

    Raises `InvalidInput` where the place belongs to another operator than the tariff.
    """
    if _operator_id(place) != tariff.operator_id:
        raise InvalidInput(_("The tariff belongs to another operator."))
    with transaction.atomic():
        # The lock makes two of the same at once one; SQLite writers are alone anyway.
        type(place).objects.select_for_update(of=("self",), no_key=True).get(pk=place.pk)
        where: dict[str, Any] = {type(place).__name__.lower(): place}
        assignment, is_new = TariffAssignment.objects.get_or_create(
            tariff=tariff, effective_from=effective_from, **where
        )
        if is_new:
            changes = {"tariff": tariff.pk, "effective_from": effective_from.isoformat()}
            record(actor, "tariff.assign", place, changes=changes)
    return assignment


def _operator_id(place: Place) -> int:
    if isinstance(place, Site):
        return place.operator_id
    if isinstance(place, Station):
        return place.site.operator_id
    return place.station.site.operator_id


def set_holidays(calendar_name: str, holidays: dict[date, str]) -> HolidayCalendar:
    """Add or rename holidays of a calendar, made if there is none; others stay."""
    calendar, _is_new = HolidayCalendar.objects.get_or_create(name=calendar_name)
    Holiday.objects.bulk_create(
        [Holiday(calendar=calendar, date=day, name=name) for day, name in holidays.items()],
        update_conflicts=True,
        unique_fields=["calendar", "date"],
        update_fields=["name"],
    )
    return calendar
