from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from csms.common.identifiers import uuid7


class SignIn(models.Model):
    """One sign-in over the API. Its tokens name it and die with it.

    `password_mark` is a keyed hash of the password's hash at that time: when the password
    changes, the marks differ and the tokens are void without anybody having to revoke them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins", verbose_name=_("user")
    )
    password_mark = models.CharField(max_length=128, editable=False)
    remote_address = models.CharField(_("address"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("signed in"))
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("signed out"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["user", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M:%S}"
