from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Operator


class Site(models.Model):
    """A place with charging stations.

    `opening_hours` maps `mon`…`sun` to lists of `["HH:MM", "HH:MM"]`; empty means round the clock.
    """

    operator = models.ForeignKey(
        Operator, models.PROTECT, related_name="sites", verbose_name=_("operator")
    )
    name = models.CharField(_("name"), max_length=200)
    name_th = models.CharField(_("name in Thai"), max_length=200, blank=True)
    address = models.CharField(_("address"), max_length=500, blank=True)
    district = models.CharField(_("district"), max_length=100, blank=True)
    province = models.CharField(_("province"), max_length=100, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=5, blank=True)
    latitude = models.DecimalField(
        _("latitude"),
        max_digits=9,
        decimal_places=6,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
    )
    longitude = models.DecimalField(
        _("longitude"),
        max_digits=9,
        decimal_places=6,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
    )
    opening_hours = models.JSONField(_("opening hours"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering: ClassVar = ["name"]
        indexes: ClassVar = [models.Index(fields=["latitude", "longitude"])]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["operator", "name"], name="site_name_once_per_operator"
            ),
            models.CheckConstraint(
                condition=Q(latitude__gte=-90, latitude__lte=90), name="site_latitude_range"
            ),
            models.CheckConstraint(
                condition=Q(longitude__gte=-180, longitude__lte=180), name="site_longitude_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name
