from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.access import SessionEnd, SignInMethod
from csms.common.identifiers import uuid7


class ConsoleSession(models.Model):
    """One sign-in to the console. The browser's session names it and is worth nothing without it.

    The row decides, not the store of sessions: whoever ends it ends the session wherever that is
    kept. `last_seen_at` is exact to a minute.
    """

    METHOD_NAMES: ClassVar = {
        SignInMethod.PASSWORD_AND_CODE: _("password and code"),
        SignInMethod.PASSKEY: _("passkey"),
        SignInMethod.SET_UP_LINK: _("set-up link"),
    }
    END_NAMES: ClassVar = {
        SessionEnd.SIGNED_OUT: _("signed out"),
        SessionEnd.ENDED_BY_PERSON: _("ended from another session"),
        SessionEnd.TOO_MANY: _("replaced by a newer session"),
        SessionEnd.PASSWORD_CHANGED: _("password changed"),
        SessionEnd.DEACTIVATED: _("access withdrawn"),
        SessionEnd.SECOND_FACTOR_RENEWED: _("second factor renewed"),
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="console_sessions",
        verbose_name=_("user"),
    )
    method = models.CharField(
        _("signed in with"),
        max_length=20,
        choices=[(key.value, name) for key, name in METHOD_NAMES.items()],
    )
    remote_address = models.CharField(_("address"), max_length=64, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    started_at = models.DateTimeField(_("signed in"))
    last_seen_at = models.DateTimeField(_("last seen"))
    confirmed_at = models.DateTimeField(
        _("identity confirmed"), null=True, blank=True, editable=False
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(
        _("reason"),
        max_length=25,
        blank=True,
        choices=[(key.value, name) for key, name in END_NAMES.items()],
    )

    class Meta:
        verbose_name = _("console session")
        verbose_name_plural = _("console sessions")
        ordering: ClassVar = ["-started_at"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-started_at"]),
            models.Index(fields=["last_seen_at"]),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="")
                | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="console_session_ends_for_a_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.started_at:%Y-%m-%d %H:%M:%S}"
