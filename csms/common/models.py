"""The shared kernel's rows: what was done by whom, and which requests were answered already."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from csms.common.identifiers import uuid7


class AuditEntry(models.Model):
    """One write by a person or a key: append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_label = models.CharField(_("actor"), max_length=200)
    action = models.CharField(_("action"), max_length=100)
    object_type = models.CharField(_("object type"), max_length=100)
    object_id = models.CharField(_("object"), max_length=100)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    changes = models.JSONField(_("changes"), default=dict, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [models.Index(fields=["object_type", "object_id", "-at"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_label} {self.action}"


class LiveTicket(models.Model):
    """Opens one live feed once, for whom it was given; the ticket itself is not kept.

    `sign_in_id`: the sign-in that it was asked for with; the feed ends with that.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    sign_in_id = models.UUIDField()
    feed = models.CharField(max_length=100)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("live ticket")
        verbose_name_plural = _("live tickets")

    def __str__(self) -> str:
        return self.feed


class IdempotencyRecord(models.Model):
    """The answer given to a request with an `Idempotency-Key`, kept for 24 hours."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    caller = models.CharField(max_length=100)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["caller", "route", "key"], name="idempotency_once_per_caller_and_route"
            )
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.route} {self.key}"
