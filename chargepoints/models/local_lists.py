from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.models.commands import Command
from chargepoints.models.stations import Station


class LocalList(models.Model):
    """The authorization list that a charger holds for the time when it is offline.

    `version` and the entries are what the charger has confirmed.
    """

    station = models.OneToOneField(
        Station, models.PROTECT, related_name="local_list", verbose_name=_("station")
    )
    version = models.PositiveIntegerField(_("version"), default=0)
    reported_version = models.IntegerField(
        _("version that the charger reports"), null=True, blank=True
    )
    needs_full = models.BooleanField(
        _("must be sent whole"),
        default=True,
        help_text=_("What the charger holds is not known for certain."),
    )
    is_in_step = models.BooleanField(
        _("complete"), default=False, help_text=_("Every token was sent at the last update.")
    )
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    class Meta:
        verbose_name = _("local authorization list")
        verbose_name_plural = _("local authorization lists")

    def __str__(self) -> str:
        return f"{self.station_id} v{self.version}"


class LocalListEntry(models.Model):
    """A token as it stands in a charger's list."""

    local_list = models.ForeignKey(LocalList, models.PROTECT, related_name="entries")
    token = models.CharField(_("token"), max_length=255)
    status = models.CharField(_("status"), max_length=20)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    group = models.CharField(_("group"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("entry of a local list")
        verbose_name_plural = _("entries of local lists")
        ordering: ClassVar = ["local_list", "token"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["local_list", "token"], name="local_list_token_once")
        ]

    def __str__(self) -> str:
        return self.token


class LocalListUpdate(models.Model):
    """What one command sent of the list: append-only. Its outcome is the command's."""

    local_list = models.ForeignKey(LocalList, models.PROTECT, related_name="updates")
    command = models.OneToOneField(
        Command, models.PROTECT, related_name="local_list_update", verbose_name=_("command")
    )
    version = models.PositiveIntegerField(_("version"))
    is_full = models.BooleanField(_("whole list"))
    is_last = models.BooleanField(_("nothing left to send"))
    entries = models.JSONField(_("entries"))
    sent_at = models.DateTimeField(_("sent"))

    class Meta:
        verbose_name = _("update of a local list")
        verbose_name_plural = _("updates of local lists")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["local_list", "version"], name="local_list_version_sent_once"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="local_list_version_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.local_list_id} v{self.version}"
