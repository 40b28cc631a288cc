from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.consents import Channel, Decision, Purpose
from csms.common.identifiers import uuid7
from csms.common.state_names import choices


class ConsentRecord(models.Model):
    """One decision of a person about one purpose: append-only; the newest one counts.

    It proves what was agreed to (PDPA s.19), so it outlives the account, without the address.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="consents", verbose_name=_("user")
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=choices(Purpose))
    decision = models.CharField(_("decision"), max_length=10, choices=choices(Decision))
    text_version = models.CharField(_("version of the text"), max_length=20)
    channel = models.CharField(_("channel"), max_length=10, choices=choices(Channel))
    remote_address = models.CharField(_("address"), max_length=64, blank=True)
    at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["user", "purpose", "-at", "-id"])]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(purpose__in=[one.value for one in Purpose]),
                name="consent_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(decision__in=[one.value for one in Decision]),
                name="consent_decision_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.decision} {self.text_version}"
