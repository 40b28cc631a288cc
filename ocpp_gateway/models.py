"""Which process holds which charger's socket, and every frame that went over it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Station
from csms.common.identifiers import uuid7


class GatewayNode(models.Model):
    """One gateway process; its leases are void when its heartbeat is old."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=255)
    process_id = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("gateway process")
        verbose_name_plural = _("gateway processes")

    def __str__(self) -> str:
        return f"{self.host}:{self.process_id}"


class StationConnection(models.Model):
    """The lease on a station's socket. The highest epoch owns it; older ones may write nothing."""

    station = models.OneToOneField(
        Station, models.PROTECT, primary_key=True, related_name="connection"
    )
    epoch = models.BigIntegerField(default=0)
    node = models.ForeignKey(
        GatewayNode, models.SET_NULL, null=True, blank=True, related_name="connections"
    )
    version = models.CharField(_("OCPP version"), max_length=10, blank=True)
    remote_address = models.CharField(_("address"), max_length=64, blank=True)
    connected_at = models.DateTimeField(_("connected"), null=True)
    # The station's, as it was when its charger was let in: exact, where two clocks are not.
    credentials_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    close_code = models.PositiveSmallIntegerField(_("close code"), null=True, blank=True)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")

    def __str__(self) -> str:
        return f"{self.station_id}#{self.epoch}"


class Message(models.Model):
    """One frame, in or out, secrets masked. On PostgreSQL RANGE-partitioned by month of `at`."""

    class Direction(models.TextChoices):
        IN = "IN", _("from the charger")
        OUT = "OUT", _("to the charger")

    class Type(models.TextChoices):
        CALL = "CALL", "CALL"
        CALLRESULT = "CALLRESULT", "CALLRESULT"
        CALLERROR = "CALLERROR", "CALLERROR"
        MALFORMED = "MALFORMED", _("malformed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("time"))
    station = models.ForeignKey(
        Station,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("station"),
    )
    epoch = models.BigIntegerField()
    direction = models.CharField(_("direction"), max_length=3, choices=Direction)
    type = models.CharField(_("type"), max_length=10, choices=Type)
    action = models.CharField(_("action"), max_length=50, blank=True)
    message_id = models.CharField(_("message id"), max_length=36, blank=True)
    payload = models.TextField(_("frame"))
    latency_ms = models.PositiveIntegerField(_("latency (ms)"), null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes: ClassVar = [models.Index(fields=["station", "-at"])]

    def __str__(self) -> str:
        return f"{self.direction} {self.type} {self.action}"
