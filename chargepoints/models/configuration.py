from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.models.stations import Station


class ConfigurationValue(models.Model):
    """A configuration key as the charger told it, or took it from us. Secrets are masked."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="configuration", verbose_name=_("station")
    )
    key = models.CharField(_("key"), max_length=255)
    value = models.TextField(_("value"), blank=True)
    is_readonly = models.BooleanField(_("read only"), default=False)
    needs_reboot = models.BooleanField(
        _("needs a restart"), default=False, help_text=_("Counts after the charger's next boot.")
    )
    known_at = models.DateTimeField(_("as of"))

    class Meta:
        verbose_name = _("configuration value")
        verbose_name_plural = _("configuration values")
        ordering: ClassVar = ["station", "key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["station", "key"], name="configuration_key_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["station"],
                name="configuration_needs_reboot",
                condition=Q(needs_reboot=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.key}"
