from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.domain.states import EndReason
from csms.common.identifiers import uuid7
from csms.common.state_names import choices


class SignIn(models.Model):
    """One sign-in over the API. Its tokens name it and die with it.

    `password_mark` is a keyed hash of the password's hash at that time: when the password
    changes, the marks differ and the tokens are void without anybody having to revoke them.
    `refresh_generation` counts the refresh tokens given so far, of which only the last one works;
    empty: the sign-in has none (staff).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins", verbose_name=_("user")
    )
    password_mark = models.CharField(max_length=128, editable=False)
    remote_address = models.CharField(_("address"), max_length=64, blank=True)
    device_name = models.CharField(_("device"), max_length=100, blank=True, db_default="")
    user_agent = models.CharField(_("program"), max_length=300, blank=True, db_default="")
    refresh_generation = models.PositiveIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("signed in"))
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("signed out"), null=True, blank=True)
    end_reason = models.CharField(
        _("ended because"),
        max_length=20,
        blank=True,
        db_default="",
        choices=choices(EndReason),
    )

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["user", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M:%S}"
