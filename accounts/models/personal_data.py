"""What people asked us to do with their data, and what the nightly job did with it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.states import OPEN_DATA_EXPORT_STATES, DataExportState
from csms.common.identifiers import uuid7
from csms.common.state_names import choices


class DataExport(models.Model):
    """All data of a person as a ZIP file that waits to be fetched.

    Each try writes a file of its own, named by `id` and `attempts`, so that a worker that was
    taken for dead cannot overwrite the file of the one that followed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="data_exports",
        verbose_name=_("user"),
    )
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=choices(DataExportState),
        default=DataExportState.REQUESTED.value,
    )
    requested_at = models.DateTimeField(_("requested"))
    claimed_at = models.DateTimeField(_("begun"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    size_bytes = models.BigIntegerField(_("size (bytes)"), null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    mail_claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    mailed_at = models.DateTimeField(_("told by e-mail"), null=True, blank=True)

    class Meta:
        verbose_name = _("data export")
        verbose_name_plural = _("data exports")
        ordering: ClassVar = ["-requested_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["state", "requested_at"])]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state__in=sorted(state.value for state in OPEN_DATA_EXPORT_STATES)),
                name="data_export_one_open_per_user",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in DataExportState]),
                name="data_export_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="READY")
                | Q(ready_at__isnull=False, expires_at__isnull=False, size_bytes__isnull=False),
                name="data_export_ready_has_file",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"

    @property
    def file_name(self) -> str:
        return f"{self.id}-{self.attempts}.zip"


class AccountDeletion(models.Model):
    """An account that was closed: what was erased, what was kept, and on what ground.

    `erased` is {kind: rows}; `kept` a list of {kind, count, ground, reason_th, reason_en, until}.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="deletion",
        verbose_name=_("user"),
    )
    at = models.DateTimeField(_("time"))
    erased = models.JSONField(_("erased"), default=dict)
    kept = models.JSONField(_("kept"), default=list)

    class Meta:
        verbose_name = _("account deletion")
        verbose_name_plural = _("account deletions")
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"#{self.user_id} {self.at:%Y-%m-%d}"


class RetentionRun(models.Model):
    """One night's work on one kind of data.

    `is_complete`: nothing older than `limit` is left. `error`: why it stopped, without data.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=50)
    days = models.PositiveIntegerField(_("days kept"))
    limit = models.DateTimeField(_("older than"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    removed = models.PositiveBigIntegerField(_("rows removed"), default=0)
    is_complete = models.BooleanField(_("complete"), default=False)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        ordering: ClassVar = ["-started_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["kind", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d}"
