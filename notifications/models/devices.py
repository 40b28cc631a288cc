from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from csms.common.fields import EncryptedTextField
from csms.common.identifiers import uuid7


class PushDevice(models.Model):
    """A phone or browser that may be sent pushes; it is whose app registered it last."""

    class Platform(models.TextChoices):
        ANDROID = "ANDROID", "Android"
        IOS = "IOS", "iOS"
        WEB = "WEB", "Web"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("driver")
    )
    platform = models.CharField(_("platform"), max_length=10, choices=Platform)
    token = EncryptedTextField(_("push token"))
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100, blank=True)
    app_version = models.CharField(_("app version"), max_length=30, blank=True)
    created_at = models.DateTimeField(_("created"))
    last_registered_at = models.DateTimeField(_("last registered"))

    class Meta:
        verbose_name = _("push device")
        verbose_name_plural = _("push devices")
        ordering: ClassVar = ["-last_registered_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["user", "-last_registered_at"])]

    def __str__(self) -> str:
        return f"{self.platform} {self.name}"
