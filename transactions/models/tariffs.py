from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Operator
from chargepoints.models import Evse, Site, Station


class HolidayCalendar(models.Model):
    """A named set of holidays, entered as data each year."""

    name = models.CharField(_("name"), max_length=100, unique=True)

    class Meta:
        verbose_name = _("holiday calendar")
        verbose_name_plural = _("holiday calendars")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    calendar = models.ForeignKey(
        HolidayCalendar, models.CASCADE, related_name="holidays", verbose_name=_("calendar")
    )
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering: ClassVar = ["date"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "date"], name="holiday_once_per_calendar")
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"


class Tariff(models.Model):
    """A price list by name; what it says stands in its versions."""

    operator = models.ForeignKey(
        Operator, models.PROTECT, related_name="tariffs", verbose_name=_("operator")
    )
    name = models.CharField(_("name"), max_length=100)
    currency = models.CharField(_("currency"), max_length=3, default="THB")
    is_default = models.BooleanField(
        _("default of the operator"),
        default=False,
        help_text=_("Applies where nothing is assigned."),
    )

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        ordering: ClassVar = ["operator", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["operator", "name"], name="tariff_name_once_per_operator"
            ),
            models.UniqueConstraint(
                fields=["operator"],
                condition=Q(is_default=True),
                name="tariff_one_default_per_operator",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TariffVersion(models.Model):
    """What a tariff costs from `effective_from` until the next version. Prices include VAT."""

    class EnergyPricing(models.TextChoices):
        SPLIT = "SPLIT", _("by the energy delivered in each window")
        BY_START = "BY_START", _("by the window in which the session starts")

    tariff = models.ForeignKey(
        Tariff, models.PROTECT, related_name="versions", verbose_name=_("tariff")
    )
    effective_from = models.DateTimeField(_("effective from"))
    price_per_kwh = models.DecimalField(
        _("price per kWh"),
        help_text=_("Outside of every window. VAT included."),
        max_digits=10,
        decimal_places=4,
    )
    price_per_minute = models.DecimalField(
        _("price per minute"), default=Decimal(0), max_digits=10, decimal_places=4
    )
    price_per_session = models.DecimalField(
        _("price per session"), default=Decimal(0), max_digits=10, decimal_places=4
    )
    idle_price_per_minute = models.DecimalField(
        _("idle fee per minute"), default=Decimal(0), max_digits=10, decimal_places=4
    )
    idle_grace_minutes = models.PositiveSmallIntegerField(_("idle grace (minutes)"), default=10)
    vat_percent = models.DecimalField(
        _("VAT (%)"), max_digits=5, decimal_places=2, default=Decimal("7.00")
    )
    energy_pricing = models.CharField(
        _("energy is priced"), max_length=10, choices=EnergyPricing, default=EnergyPricing.SPLIT
    )
    holiday_calendar = models.ForeignKey(
        HolidayCalendar, models.PROTECT, null=True, blank=True, verbose_name=_("holiday calendar")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("tariff version")
        verbose_name_plural = _("tariff versions")
        ordering: ClassVar = ["tariff", "-effective_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tariff", "effective_from"], name="tariff_version_once_per_moment"
            ),
            models.CheckConstraint(
                condition=Q(
                    price_per_kwh__gte=0,
                    price_per_minute__gte=0,
                    price_per_session__gte=0,
                    idle_price_per_minute__gte=0,
                ),
                name="tariff_prices_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(vat_percent__gte=0, vat_percent__lte=100), name="tariff_vat_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tariff} ({self.effective_from:%Y-%m-%d})"


class TariffWindow(models.Model):
    """A recurring time with its own price per kWh. The first match by `priority` counts.

    `weekdays` holds ISO numbers (1 Monday … 7 Sunday). `ends_at` equal to `starts_at` means the
    whole day; smaller means past midnight, and then the day is the one on which the window starts.
    """

    class Holidays(models.TextChoices):
        ANY = "ANY", _("also on holidays")
        NEVER = "NEVER", _("not on holidays")
        ONLY = "ONLY", _("only on holidays")

    version = models.ForeignKey(
        TariffVersion, models.CASCADE, related_name="windows", verbose_name=_("version")
    )
    name = models.CharField(_("name"), max_length=50)
    priority = models.PositiveSmallIntegerField(_("priority"), default=0)
    weekdays = models.JSONField(_("weekdays"), default=list)
    starts_at = models.TimeField(_("from"))
    ends_at = models.TimeField(_("until"))
    holidays = models.CharField(
        _("holidays"), max_length=10, choices=Holidays, default=Holidays.ANY
    )
    price_per_kwh = models.DecimalField(_("price per kWh"), max_digits=10, decimal_places=4)

    class Meta:
        verbose_name = _("time-of-use window")
        verbose_name_plural = _("time-of-use windows")
        ordering: ClassVar = ["version", "priority", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(price_per_kwh__gte=0), name="tariff_window_price_not_negative"
            )
        ]

    def __str__(self) -> str:
        return self.name


class TariffAssignment(models.Model):
    """Which tariff applies where, from when. The narrowest place wins: EVSE, station, site."""

    tariff = models.ForeignKey(
        Tariff, models.PROTECT, related_name="assignments", verbose_name=_("tariff")
    )
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="+")
    station = models.ForeignKey(Station, models.PROTECT, null=True, blank=True, related_name="+")
    evse = models.ForeignKey(Evse, models.PROTECT, null=True, blank=True, related_name="+")
    effective_from = models.DateTimeField(_("effective from"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("tariff assignment")
        verbose_name_plural = _("tariff assignments")
        ordering: ClassVar = ["-effective_from"]
        indexes: ClassVar = [
            models.Index(fields=["station", "-effective_from"]),
            models.Index(fields=["site", "-effective_from"]),
            models.Index(fields=["evse", "-effective_from"]),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(site__isnull=False, station__isnull=True, evse__isnull=True)
                | Q(site__isnull=True, station__isnull=False, evse__isnull=True)
                | Q(site__isnull=True, station__isnull=True, evse__isnull=False),
                name="tariff_assigned_to_one_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tariff} → {self.evse or self.station or self.site}"
