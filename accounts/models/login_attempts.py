from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.access import LoginChannel, LoginOutcome


class LoginAttempt(models.Model):
    """Somebody tried to sign in. `times` counts further tries like it, such as while locked out."""

    CHANNEL_NAMES: ClassVar = {
        LoginChannel.CONSOLE: _("console"),
        LoginChannel.PASSKEY: _("console, passkey"),
        LoginChannel.API: _("API"),
        LoginChannel.APP: _("driver's app"),
        LoginChannel.OIDC: _("driver's app, by LINE, Google or Apple"),
    }
    OUTCOME_NAMES: ClassVar = {
        LoginOutcome.SUCCEEDED: _("succeeded"),
        LoginOutcome.WRONG_CREDENTIALS: _("wrong e-mail or password"),
        LoginOutcome.WRONG_CODE: _("wrong code"),
        LoginOutcome.WRONG_PASSKEY: _("wrong passkey"),
        LoginOutcome.NO_SECOND_FACTOR: _("no second factor"),
        LoginOutcome.NOT_ALLOWED: _("no access"),
        LoginOutcome.NOT_VERIFIED: _("address not verified"),
        LoginOutcome.IDENTITY_REFUSED: _("account elsewhere refused"),
        LoginOutcome.LOCKED_OUT: _("locked out"),
    }

    at = models.DateTimeField(_("time"))
    channel = models.CharField(
        _("where"),
        max_length=10,
        choices=[(key.value, name) for key, name in CHANNEL_NAMES.items()],
    )
    outcome = models.CharField(
        _("outcome"),
        max_length=20,
        choices=[(key.value, name) for key, name in OUTCOME_NAMES.items()],
    )
    username = models.CharField(_("e-mail"), max_length=254, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="login_attempts",
        verbose_name=_("user"),
    )
    remote_address = models.CharField(_("address"), max_length=64, blank=True)
    # What limits count by: an IPv4 address, or the /64 that one IPv6 customer holds.
    network = models.CharField(max_length=64, blank=True, db_default="", editable=False)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        verbose_name = _("login attempt")
        verbose_name_plural = _("login attempts")
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"]),
            models.Index(fields=["username", "-at"]),
            models.Index(fields=["remote_address", "-at"]),
            models.Index(fields=["network", "-at"], name="login_attempt_by_network"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(times__gte=1), name="login_attempt_happened")
        ]

    def __str__(self) -> str:
        return f"{self.username} {self.outcome} {self.at:%Y-%m-%d %H:%M:%S}"
