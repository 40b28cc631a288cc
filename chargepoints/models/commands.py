from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.domain.states import CommandStatus
from chargepoints.models.stations import Station
from csms.common.identifiers import uuid7


class Command(models.Model):
    """A request to a charger: the outbox row. The row is the truth, the socket only carries it.

    `name` is version-neutral (`start_charging`) with `parameters`; for a raw request `name` is
    `ocpp` and `parameters` holds `action` and `payload`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    station = models.ForeignKey(
        Station, models.PROTECT, related_name="commands", verbose_name=_("station")
    )
    name = models.CharField(_("command"), max_length=50)
    parameters = models.JSONField(_("parameters"), default=dict)
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=[(s.value, s.value) for s in CommandStatus],
        default=CommandStatus.QUEUED.value,
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    actor_label = models.CharField(_("requested by"), max_length=200)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)

    requested_at = models.DateTimeField(_("requested"))
    expires_at = models.DateTimeField(_("expires"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    is_late = models.BooleanField(
        _("answered late"), default=False, help_text=_("The answer came after the time-out.")
    )

    action = models.CharField(_("OCPP action"), max_length=50, blank=True)
    message_id = models.CharField(_("message id"), max_length=36, blank=True)
    sent_epoch = models.BigIntegerField(null=True, blank=True)
    request = models.JSONField(_("request"), null=True, blank=True)
    response = models.JSONField(_("answer"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("command")
        verbose_name_plural = _("commands")
        ordering: ClassVar = ["-requested_at"]
        indexes: ClassVar = [
            models.Index(fields=["station", "-requested_at"]),
            models.Index(
                fields=["station", "requested_at"],
                name="command_open",
                condition=Q(status__in=["QUEUED", "SENT"]),
            ),
            models.Index(
                fields=["message_id"], name="command_message", condition=~Q(message_id="")
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["actor_label", "idempotency_key"],
                name="command_idempotency_key_once",
                condition=Q(idempotency_key__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["station", "sent_epoch"],
                name="command_one_in_flight_per_connection",
                condition=Q(status="SENT"),
            ),
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in CommandStatus]),
                name="command_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["QUEUED", "EXPIRED", "CANCELLED", "FAILED"])
                | (Q(sent_at__isnull=False) & ~Q(message_id="")),
                name="command_sent_has_message_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} → {self.station_id}"

    @property
    def latency_ms(self) -> int | None:
        """Milliseconds from sending to the answer."""
        if self.sent_at is None or self.answered_at is None:
            return None
        return round((self.answered_at - self.sent_at).total_seconds() * 1000)
