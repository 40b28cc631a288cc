from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Station
from transactions.models.sessions import Session


class ReviewItem(models.Model):
    """Something about charging that a person must look at; the charger has got its answer."""

    class Kind(models.TextChoices):
        ORPHAN_STOP = "ORPHAN_STOP", _("Stop of an unknown transaction")
        IMPOSSIBLE_METER = "IMPOSSIBLE_METER", _("Impossible meter values")
        CLOCK_FAULT = "CLOCK_FAULT", _("Impossible times")
        FOREIGN_TRANSACTION = "FOREIGN_TRANSACTION", _("Transaction of another station")
        UNAUTHORIZED = "UNAUTHORIZED", _("Energy without authorization")
        SUPERSEDED = "SUPERSEDED", _("Session closed by the next start")
        UNRELATED_STOP = "UNRELATED_STOP", _("Stopped with an unrelated token")
        CONFLICTING_STOP = "CONFLICTING_STOP", _("A second stop with other values")
        NOT_PRICED = "NOT_PRICED", _("No price could be computed")
        UNREADABLE = "UNREADABLE", _("Start that cannot be read")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    station = models.ForeignKey(
        Station, models.PROTECT, related_name="review_items", verbose_name=_("station")
    )
    session = models.ForeignKey(
        Session, models.PROTECT, null=True, blank=True, related_name="review_items"
    )
    content_key = models.CharField(max_length=64, editable=False)
    detail = models.CharField(_("detail"), max_length=1000, blank=True)
    raw = models.JSONField(_("what the charger sent"), default=dict)
    received_at = models.DateTimeField(_("received"))
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

    class Meta:
        verbose_name = _("review item")
        verbose_name_plural = _("review queue")
        ordering: ClassVar = ["-received_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station", "kind", "content_key"], name="review_item_once_per_content"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["-received_at"],
                name="review_item_open",
                condition=Q(resolved_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


# Stops of which no session was known.
ORPHAN_KINDS = (ReviewItem.Kind.ORPHAN_STOP, ReviewItem.Kind.FOREIGN_TRANSACTION)
