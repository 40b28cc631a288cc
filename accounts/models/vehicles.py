from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.vehicles import ConnectorType
from csms.common.identifiers import uuid7
from csms.common.provinces import PROVINCES


class Vehicle(models.Model):
    """A driver's car. The same car may be several drivers'."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    driver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="vehicles",
        verbose_name=_("driver"),
    )
    plate = models.CharField(_("licence plate"), max_length=20)
    province = models.CharField(
        _("province"),
        max_length=2,
        choices=[(one.code, one.name_th) for one in PROVINCES.values()],
    )
    make = models.CharField(_("make"), max_length=50, blank=True)
    model = models.CharField(_("model"), max_length=50, blank=True)
    connector_type = models.CharField(
        _("connector type"),
        max_length=10,
        choices=[(one.value, one.value) for one in ConnectorType],
    )
    battery_kwh = models.DecimalField(
        _("battery (kWh)"), max_digits=5, decimal_places=1, null=True, blank=True
    )
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        ordering: ClassVar = ["-is_default", "created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["driver", "plate", "province"], name="vehicle_once_per_driver"
            ),
            models.UniqueConstraint(
                fields=["driver"],
                condition=Q(is_default=True),
                name="vehicle_one_default_per_driver",
            ),
            models.CheckConstraint(
                condition=Q(connector_type__in=[one.value for one in ConnectorType]),
                name="vehicle_connector_type_known",
            ),
            models.CheckConstraint(
                condition=Q(battery_kwh__isnull=True) | Q(battery_kwh__gt=Decimal(0)),
                name="vehicle_battery_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plate} {self.get_province_display()}"
