from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.domain.public_codes import new_evse_code
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models.stations import Station


def new_public_code() -> str:
    """Named by the first migration."""
    return new_evse_code()


class Evse(models.Model):
    """One place to charge one car. OCPP 1.6's flat connector N is EVSE N with connector 1."""

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="evses", verbose_name=_("station")
    )
    evse_id = models.PositiveSmallIntegerField(_("EVSE number"))
    public_code = models.CharField(
        _("public code"),
        max_length=10,
        unique=True,
        default=new_public_code,
        help_text=_("Printed on the charger; says nothing of its OCPP identity."),
    )

    class Meta:
        verbose_name = "EVSE"
        verbose_name_plural = "EVSEs"
        ordering: ClassVar = ["station", "evse_id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["station", "evse_id"], name="evse_once_per_station"),
            models.CheckConstraint(condition=Q(evse_id__gte=1), name="evse_numbered_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.station}/{self.evse_id}"


class Connector(models.Model):
    """A plug of an EVSE with its latest status; the history is in `ConnectorStatusEvent`."""

    class Type(models.TextChoices):
        CCS2 = "CCS2", "CCS2"
        CHADEMO = "CHAdeMO", "CHAdeMO"
        TYPE_2 = "Type2", "Type 2"
        TYPE_1 = "Type1", "Type 1"
        GB_T_DC = "GB/T-DC", "GB/T DC"
        GB_T_AC = "GB/T-AC", "GB/T AC"
        NACS = "NACS", "NACS"
        SCHUKO = "Schuko", "Schuko"
        UNKNOWN = "Unknown", _("Unknown")

    evse = models.ForeignKey(Evse, models.PROTECT, related_name="connectors", verbose_name="EVSE")
    connector_id = models.PositiveSmallIntegerField(_("connector number"), default=1)
    type = models.CharField(_("type"), max_length=10, choices=Type, default=Type.UNKNOWN)
    max_power_w = models.PositiveIntegerField(_("maximum power (W)"), null=True, blank=True)
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=[(s.value, s.value) for s in ConnectorStatus],
        default=ConnectorStatus.UNKNOWN.value,
        editable=False,
    )
    status_at = models.DateTimeField(_("status since"), null=True, blank=True, editable=False)
    error_code = models.CharField(_("error"), max_length=255, blank=True, editable=False)
    vendor_error_code = models.CharField(
        _("vendor's error"), max_length=255, blank=True, editable=False
    )
    status_info = models.CharField(_("information"), max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("connector")
        verbose_name_plural = _("connectors")
        ordering: ClassVar = ["evse", "connector_id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["evse", "connector_id"], name="connector_once_per_evse"
            ),
            models.CheckConstraint(
                condition=Q(connector_id__gte=1), name="connector_numbered_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.evse}/{self.connector_id}"


class ConnectorStatusEvent(models.Model):
    """One reported status, late and repeated ones too: append-only. No connector: the station."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="status_events")
    connector = models.ForeignKey(
        Connector, models.PROTECT, related_name="status_events", null=True, blank=True
    )
    status = models.CharField(_("status"), max_length=20)
    error_code = models.CharField(_("error"), max_length=255, blank=True)
    vendor_error_code = models.CharField(_("vendor's error"), max_length=255, blank=True)
    info = models.CharField(_("information"), max_length=500, blank=True)
    reported_at = models.DateTimeField(_("charger's time"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("status event")
        verbose_name_plural = _("status events")
        ordering: ClassVar = ["-received_at"]
        indexes: ClassVar = [
            models.Index(fields=["connector", "-received_at"]),
            models.Index(fields=["station", "-received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.connector_id} {self.status}"
