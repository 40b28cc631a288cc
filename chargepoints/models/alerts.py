from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.models.stations import Station


class Alert(models.Model):
    """Something at a station that a person is told of at once; the same again counts up.

    Open until it is resolved, also while somebody who acknowledged it is at work.
    """

    class Kind(models.TextChoices):
        CRITICAL_SECURITY_EVENT = "CRITICAL_SECURITY_EVENT", _("Critical security event")
        WRONG_CREDENTIALS = "WRONG_CREDENTIALS", _("Wrong credentials")
        ANOTHER_DEVICE = "ANOTHER_DEVICE", _("Another device under the same identity")
        MANY_UNKNOWN_TOKENS = "MANY_UNKNOWN_TOKENS", _("Many cards tried that are not accepted")
        ODD_STOP = "ODD_STOP", _("Stop that fits no session")
        OFFLINE_IN_SESSION = "OFFLINE_IN_SESSION", _("Offline while somebody is charging")

    class Severity(models.TextChoices):
        CRITICAL = "CRITICAL", _("Critical")
        WARNING = "WARNING", _("Warning")

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="alerts", verbose_name=_("station")
    )
    kind = models.CharField(_("kind"), max_length=30, choices=Kind)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    # Holds what the charger said: untrusted.
    detail = models.CharField(_("detail"), max_length=1000, blank=True)
    count = models.PositiveIntegerField(_("count"), default=1)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("acknowledged by"),
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    resolution = models.CharField(_("resolution"), max_length=500, blank=True)
    mail_claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    notified_at = models.DateTimeField(_("e-mail sent"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering: ClassVar = ["-last_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station", "kind"],
                name="alert_one_open",
                condition=Q(resolved_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["CRITICAL", "WARNING"]), name="alert_severity_known"
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="alert_happened"),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | Q(acknowledged_at__isnull=False),
                name="alert_resolved_is_acknowledged",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-last_at", "-id"], name="alert_newest"),
            models.Index(
                fields=["-last_at"], name="alert_open", condition=Q(resolved_at__isnull=True)
            ),
            models.Index(
                fields=["first_at"],
                name="alert_to_be_told",
                condition=Q(notified_at__isnull=True, acknowledged_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
