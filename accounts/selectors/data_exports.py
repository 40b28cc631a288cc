from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.domain.states import DataExportState
from accounts.models import DataExport, User
from accounts.selectors.scope import Caller
from csms.common.errors import NotFound

# A message that was lost shows after a minute; a worker is killed after five (the task time limit).
LOST_AFTER = timedelta(minutes=1)
STUCK_AFTER = timedelta(minutes=15)


def visible_to(caller: Caller) -> QuerySet[DataExport]:
    """A person's own exports; nobody else's, whatever the role."""
    if isinstance(caller, User) and caller.is_active:
        return DataExport.objects.filter(user=caller)
    return DataExport.objects.none()


def find(caller: Caller, export_id: UUID) -> DataExport:
    found = visible_to(caller).filter(pk=export_id).first()
    if found is None:
        raise NotFound
    return found


def to_be_built(at: datetime) -> QuerySet[DataExport]:
    """What no message reached, and what a worker began and never ended."""
    return DataExport.objects.filter(
        Q(state=DataExportState.REQUESTED.value, requested_at__lte=at - LOST_AFTER)
        | Q(state=DataExportState.INFLIGHT.value, claimed_at__lte=at - STUCK_AFTER)
    )


def to_be_told(at: datetime) -> QuerySet[DataExport]:
    """Ready ones whose owner has an e-mail address and was not told yet."""
    return DataExport.objects.filter(
        Q(mail_claimed_at__isnull=True) | Q(mail_claimed_at__lte=at - STUCK_AFTER),
        state=DataExportState.READY.value,
        expires_at__gt=at,
        mailed_at__isnull=True,
        user__email__isnull=False,
        user__is_active=True,
    )
