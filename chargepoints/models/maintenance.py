from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.domain.maintenance import JobKind, JobState
from chargepoints.models.commands import Command
from chargepoints.models.stations import Station
from csms.common.state_names import choices


class MaintenanceJob(models.Model):
    """A firmware update or an upload of logs: asked for by a command, reported on for hours after.

    `progress` is the charger's latest word for it; each one is a `MaintenanceEvent`.
    """

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="maintenance_jobs", verbose_name=_("station")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=choices(JobKind))
    request_id = models.PositiveIntegerField(_("request number"))
    command = models.OneToOneField(
        Command, models.PROTECT, related_name="maintenance_job", verbose_name=_("command")
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=choices(JobState),
        default=JobState.REQUESTED.value,
    )
    progress = models.CharField(_("progress"), max_length=50, blank=True)
    progress_at = models.DateTimeField(_("as of"), null=True, blank=True)
    file_name = models.CharField(_("file"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("maintenance job")
        verbose_name_plural = _("maintenance jobs")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["station", "request_id"], name="maintenance_request_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in JobState]), name="maintenance_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.kind} {self.request_id}"


class MaintenanceEvent(models.Model):
    """One report of a firmware update or an upload, also of one that we did not ask for.

    Append-only; `status` is the charger's own word.
    """

    station = models.ForeignKey(
        Station, models.PROTECT, related_name="maintenance_events", verbose_name=_("station")
    )
    job = models.ForeignKey(
        MaintenanceJob,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("job"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=choices(JobKind))
    status = models.CharField(_("status"), max_length=50)
    request_id = models.BigIntegerField(_("request number"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("maintenance event")
        verbose_name_plural = _("maintenance events")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["station", "-received_at"])]

    def __str__(self) -> str:
        return f"{self.station_id} {self.kind} {self.status}"
