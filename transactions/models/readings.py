from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Connector, Station
from csms.common.identifiers import uuid7
from transactions.models.sessions import Session


class Reading(models.Model):
    """All values that a charger sampled at one moment. Energy Wh, power W, SoC %, A, V.

    On PostgreSQL RANGE-partitioned by month of `received_at`. The references have no database
    constraint: at 10,000 rows a second the check would cost more than the row, and their targets
    are never deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    received_at = models.DateTimeField(_("received"))
    measured_at = models.DateTimeField(_("measured"))
    station = models.ForeignKey(
        Station, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    connector = models.ForeignKey(
        Connector,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    session = models.ForeignKey(
        Session,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="readings",
    )
    energy_wh = models.BigIntegerField(_("energy register (Wh)"), null=True)
    power_w = models.IntegerField(_("power (W)"), null=True)
    soc_percent = models.DecimalField(_("SoC (%)"), max_digits=5, decimal_places=2, null=True)
    current_a = models.DecimalField(_("current (A)"), max_digits=8, decimal_places=2, null=True)
    voltage_v = models.DecimalField(_("voltage (V)"), max_digits=8, decimal_places=2, null=True)
    context = models.CharField(_("context"), max_length=30, blank=True)
    extra = models.JSONField(_("further values"), null=True)

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        indexes: ClassVar = [models.Index(fields=["session", "measured_at"])]

    def __str__(self) -> str:
        return f"{self.measured_at:%H:%M:%S} {self.energy_wh} Wh"
