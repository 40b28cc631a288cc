from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.stations import Station


class Favourite(models.Model):
    """A station that a driver keeps at hand."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("driver")
    )
    station = models.ForeignKey(
        Station, models.PROTECT, related_name="favourites", verbose_name=_("station")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("favourite")
        verbose_name_plural = _("favourites")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "station"], name="favourite_once_per_station")
        ]

    def __str__(self) -> str:
        return f"#{self.user_id} {self.station_id}"
