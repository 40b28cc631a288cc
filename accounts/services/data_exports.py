"""A copy of all one's data: asked for, written by a job, told of by e-mail, gone after a week.

Row first, nudge after commit; the job claims, writes outside of any transaction, settles. A sweeper
finds what a lost message or a killed worker left behind.
"""

from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.domain.states import (
    DATA_EXPORT_TRANSITIONS,
    OPEN_DATA_EXPORT_STATES,
    DataExportState,
)
from accounts.events import DataExportRequested
from accounts.locks import lock_user
from accounts.models import DataExport, User
from accounts.selectors.data_exports import to_be_built, to_be_told
from accounts.services import export_files
from csms.common import audit, clock
from csms.common.errors import TooManyRequests
from csms.common.events import publish
from csms.common.personal_data import exports

logger = structlog.get_logger(__name__)
KEPT_FOR = timedelta(days=7)
MOST_A_DAY = 3
MOST_ATTEMPTS = 3
# Longer than a worker lives with one export.
STRAY_AFTER = timedelta(hours=1)
_BATCH = 20


@transaction.atomic
def request(user: User) -> DataExport:
    """Ask for an export; while one is on its way that one. `TooManyRequests` after 3 in a day."""
    now = clock.now()
    lock_user(user.pk)
    own = DataExport.objects.filter(user=user)
    on_its_way = own.filter(state__in=[state.value for state in OPEN_DATA_EXPORT_STATES]).first()
    if on_its_way is not None:
        return on_its_way
    day = timedelta(days=1)
    # One that has expired within the day has lost its file, which is not the person's fault.
    counted = own.filter(requested_at__gt=now - day).exclude(state=DataExportState.EXPIRED.value)
    recent = list(counted.values_list("requested_at", flat=True))
    if len(recent) >= MOST_A_DAY:
        wait = min(recent) + day - now
        text = _("Three exports a day are the most. The last one can still be fetched.")
        raise TooManyRequests(text, retry_after_seconds=round(wait.total_seconds()))
    export = DataExport.objects.create(user=user, requested_at=now)
    audit.record(user, "data_export.request", export)
    publish(DataExportRequested(export.pk))
    return export


def build(export_id: UUID) -> None:
    """Write the file of an export that waits, or that a worker left behind; else nothing."""
    claimed = _claim(export_id, clock.now())
    if claimed is None:
        return
    try:
        written = export_files.write(
            claimed.file_name, claimed.user_id, exports(), claimed.claimed_at or clock.now()
        )
    except Exception:
        logger.exception("data_export_failed", export_id=str(export_id), attempt=claimed.attempts)
        _give_back(claimed)
        return
    if _settle(claimed, written, clock.now()):
        tell(export_id)
    else:
        # Somebody took us for dead and began anew, or the account was closed meanwhile.
        export_files.remove(claimed.file_name)


def build_due(at: datetime) -> None:
    """Build what was missed, and tell people what they were not told."""
    for export_id in to_be_built(at).order_by("requested_at").values_list("pk", flat=True)[:_BATCH]:
        build(export_id)
    for export_id in to_be_told(at).order_by("ready_at").values_list("pk", flat=True)[:_BATCH]:
        # A server that does not answer costs its time-out: once a run is enough.
        if not tell(export_id):
            return


def expire_due(at: datetime) -> int:
    """Take away the files that waited long enough; how many exports expired.

    One whose file was lost expires too: there is nothing to fetch.
    """
    due = DataExport.objects.filter(state=DataExportState.READY.value, expires_at__lte=at)
    expired = 0
    for export in list(due.order_by("expires_at")[:500]):
        # The file goes first: a row that says EXPIRED has none.
        export_files.remove(export.file_name)
        expired += _move(export, DataExportState.READY, DataExportState.EXPIRED)
    expired += _expire_lost()
    _remove_strays(at)
    return expired


def _expire_lost() -> int:
    """A file is in place before its row says READY, so that no new one is taken for lost.

    Where there is no file at all, the volume is away, and may come back with all of them.
    """
    ready = list(DataExport.objects.filter(state=DataExportState.READY.value))
    if ready and not export_files.everything():
        logger.error("data_export_folder_empty", ready=len(ready))
        return 0
    lost = 0
    for export in ready:
        if not export_files.path_of(export.file_name).exists():
            logger.error("data_export_file_lost", export_id=str(export.pk))
            lost += _move(export, DataExportState.READY, DataExportState.EXPIRED)
    return lost


def _remove_strays(at: datetime) -> None:
    """What no row answers for: files of a worker that was killed, or of an account now closed."""
    ready = DataExport.objects.filter(state=DataExportState.READY.value)
    known = {export.file_name for export in ready}
    oldest = (at - STRAY_AFTER).timestamp()
    for path in export_files.everything():
        if path.name not in known and path.stat().st_mtime < oldest:
            export_files.remove(path.name)


# --- Claim, act, settle -------------------------------------------------------------------------
@transaction.atomic
def _claim(export_id: UUID, at: datetime) -> DataExport | None:
    export = (
        DataExport.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(pk=export_id, state__in=[state.value for state in OPEN_DATA_EXPORT_STATES])
        .first()
    )
    if export is None:
        return None
    if export.state == DataExportState.INFLIGHT:
        if not to_be_built(at).filter(pk=export.pk).exists():
            return None
        if export.attempts >= MOST_ATTEMPTS:
            _move(export, DataExportState.INFLIGHT, DataExportState.FAILED)
            return None
    export.state = DataExportState.INFLIGHT.value
    export.claimed_at = at
    export.attempts += 1
    export.save(update_fields=["state", "claimed_at", "attempts"])
    return export


def _give_back(claimed: DataExport) -> None:
    """Another try by the sweeper, or none any more."""
    target = (
        DataExportState.REQUESTED if claimed.attempts < MOST_ATTEMPTS else DataExportState.FAILED
    )
    DATA_EXPORT_TRANSITIONS.check(DataExportState.INFLIGHT, target)
    _still_ours(claimed).update(state=target.value)


def _settle(claimed: DataExport, written: export_files.WrittenFile, at: datetime) -> bool:
    """False if the claim was lost."""
    return bool(
        _still_ours(claimed).update(
            state=DataExportState.READY.value,
            ready_at=at,
            expires_at=at + KEPT_FOR,
            size_bytes=written.size_bytes,
            sha256=written.sha256,
        )
    )


def _still_ours(claimed: DataExport) -> QuerySet[DataExport]:
    return DataExport.objects.filter(
        pk=claimed.pk, state=DataExportState.INFLIGHT.value, attempts=claimed.attempts
    )


def _move(export: DataExport, source: DataExportState, target: DataExportState) -> int:
    DATA_EXPORT_TRANSITIONS.check(source, target)
    rows = DataExport.objects.filter(pk=export.pk, state=source.value)
    return rows.update(state=target.value)


# --- Telling the person -------------------------------------------------------------------------
def tell(export_id: UUID) -> bool:
    """Send the mail that the file is ready; False if the server was not reached."""
    now = clock.now()
    with transaction.atomic():
        export = (
            to_be_told(now)
            .filter(pk=export_id)
            .select_for_update(of=("self",), no_key=True, skip_locked=True)
            .select_related("user")
            .first()
        )
        if export is None:
            return True
        DataExport.objects.filter(pk=export.pk).update(mail_claimed_at=now)
    try:
        _message(export).send()
    except SMTPRecipientsRefused:
        # Trying again changes nothing; the person finds the file in the app all the same.
        logger.exception("data_export_mail_refused", export_id=str(export_id))
    except OSError:
        logger.exception("data_export_mail_not_sent", export_id=str(export_id))
        DataExport.objects.filter(pk=export.pk).update(mail_claimed_at=None)
        return False
    DataExport.objects.filter(pk=export.pk).update(mailed_at=clock.now())
    return True


def _message(export: DataExport) -> EmailMessage:
    with translation.override(export.user.language):
        context = {"expires_at": export.expires_at, "url": settings.PUBLIC_URL}
        text = render_to_string("mail/data_export.txt", context)
        return EmailMessage(_("Your data are ready"), text, to=[export.user.email or ""])
