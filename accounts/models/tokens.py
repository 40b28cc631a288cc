from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.domain.states import IdTokenStatus
from accounts.models.operators import Operator
from csms.common.identifiers import uuid7
from csms.common.state_names import choices


class IdToken(models.Model):
    """What a driver holds to the charger: an RFID card, the app, a contract certificate.

    `token` is compared without case (OCPP: CaseInsensitiveString / identifierString).
    """

    class Type(models.TextChoices):
        """OCPP 2.x IdTokenEnumType; 1.6 knows no type and counts as ISO14443."""

        ISO14443 = "ISO14443", _("RFID card (ISO 14443)")
        ISO15693 = "ISO15693", _("RFID card (ISO 15693)")
        APP = "Central", _("App or back office")
        EMAID = "eMAID", _("Contract (eMAID)")
        KEY_CODE = "KeyCode", _("Key code")
        LOCAL = "Local", _("Local")
        MAC_ADDRESS = "MacAddress", _("MAC address")

    token = models.CharField(_("token"), max_length=255)
    type = models.CharField(_("type"), max_length=20, choices=Type, default=Type.ISO14443)
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=choices(IdTokenStatus),
        default=IdTokenStatus.ACCEPTED.value,
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    group = models.CharField(
        _("group"),
        max_length=255,
        blank=True,
        help_text=_("Tokens of one group may stop each other's sessions (parentIdTag)."),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="id_tokens",
        verbose_name=_("driver"),
    )
    operator = models.ForeignKey(
        Operator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="id_tokens",
        verbose_name=_("operator"),
        help_text=_("Empty: accepted at every operator's stations."),
    )
    link_code_digest = models.CharField(
        max_length=64, unique=True, null=True, blank=True, editable=False
    )
    link_code_made_at = models.DateTimeField(
        _("link code made"), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("id token")
        verbose_name_plural = _("id tokens")
        ordering: ClassVar = ["token"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("token"), name="id_token_unique_ignoring_case"),
            models.CheckConstraint(condition=~Q(token=""), name="id_token_not_empty"),
        ]

    def __str__(self) -> str:
        return self.token


class LinkAttempt(models.Model):
    """A driver's try to link a card by its code: tries are counted from these rows."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    address = models.CharField(_("address"), max_length=64)
    at = models.DateTimeField(_("time"))
    has_succeeded = models.BooleanField(_("succeeded"), default=False)

    class Meta:
        verbose_name = _("link attempt")
        verbose_name_plural = _("link attempts")
        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-at"]),
            models.Index(fields=["address", "-at"]),
            models.Index(fields=["-at"]),
        ]

    def __str__(self) -> str:
        return f"#{self.user_id} {self.at:%Y-%m-%d %H:%M:%S}"
