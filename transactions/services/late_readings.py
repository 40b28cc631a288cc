"""Readings that came after we had ended their session, because it was silent or superseded.

The charger may have gone on with it and may never send a stop: what it measured still counts.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef

from transactions.domain.states import INFERRED_END_REASONS, SessionState
from transactions.locks import lock_session
from transactions.models import Reading, Session
from transactions.services.ending import Ending, end, last_known_moment
from transactions.services.stops import is_waiting
from transactions.services.sweeping import each_session

# A charger that is silent for longer has no session to go on with.
LOOK_BACK = timedelta(days=7)
_LIMIT = 500


def extend_inferred(now: datetime) -> int:
    """Move ends that we inferred to the last reading that came since; returns how many moved."""
    later = Reading.objects.filter(
        session_id=OuterRef("pk"),
        energy_wh__isnull=False,
        received_at__gt=OuterRef("stop_received_at"),
    )
    waiting = Session.objects.filter(
        Exists(later),
        end_reason__in=sorted(INFERRED_END_REASONS),
        charger_ended_at__isnull=True,
        stop_received_at__gte=now - LOOK_BACK,
    ).order_by("pk")
    found = list(waiting.values_list("pk", flat=True)[:_LIMIT])
    return each_session(found, partial(_extend, now=now))


def _extend(session_id: int, *, now: datetime, prices: bool) -> int:
    session = lock_session(session_id)
    if session.state != SessionState.ENDED or not is_waiting(session):
        return 0
    session.stop_received_at = now
    ended_at = last_known_moment(session)
    if ended_at == session.ended_at:
        session.save(update_fields=["stop_received_at"])
        return 0
    end(session, Ending(ended_at, received_at=now, reason=session.end_reason), prices=prices)
    return 1
