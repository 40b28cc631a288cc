"""Sessions that a charger lost by a power cut or a reboot, and their way back or out."""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Max

from chargepoints.domain.states import ConnectorStatus
from transactions.domain.states import SESSION_TRANSITIONS, EndReason, SessionState
from transactions.locks import lock_session, lock_sessions, lock_sessions_of_station
from transactions.models import Reading, Session, SessionEvent
from transactions.services.ending import Ending, end, last_known_moment
from transactions.services.pricing import PricingFailed

logger = structlog.get_logger(__name__)
# How long a charger may take after its boot to go on with a session or to report its end.
GRACE = timedelta(minutes=10)
_SERVING = frozenset(
    {ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE}
)
_LIMIT = 500


def _move(sessions: Collection[Session], target: SessionState, at: datetime) -> int:
    """Set the state of locked sessions and write what happened; returns how many."""
    is_interrupted = target is SessionState.INTERRUPTED
    for session in sessions:
        SESSION_TRANSITIONS.check(SessionState(session.state), target)
        session.state = target.value
        session.interrupted_at = at if is_interrupted else None
    if sessions:
        Session.objects.bulk_update(sessions, ["state", "interrupted_at"])
        kind = "interrupted" if is_interrupted else "resumed"
        SessionEvent.objects.bulk_create(
            SessionEvent(session=session, at=at, kind=kind) for session in sessions
        )
    return len(sessions)


@transaction.atomic
def mark_interrupted(station_id: int, at: datetime) -> int:
    """The station booted at `at`: what it was running is in doubt. Returns how many sessions."""
    running = lock_sessions_of_station(station_id, [SessionState.ACTIVE])
    doubtful = [s for s in running if s.start_received_at is None or s.start_received_at < at]
    return _move(doubtful, SessionState.INTERRUPTED, at)


@transaction.atomic
def resume(session_ids: Collection[int], at: datetime) -> int:
    """The charger goes on with these sessions; those that are not interrupted stay as they are."""
    interrupted = [s for s in lock_sessions(session_ids) if s.state == SessionState.INTERRUPTED]
    return _move(interrupted, SessionState.ACTIVE, at)


def settle_interrupted(now: datetime, grace: timedelta = GRACE) -> int:
    """Resume what shows signs of life since its interruption, end what was silent for `grace`.

    An ended one counts up to its last reading; a stop that comes later replaces that. Returns how
    many sessions changed.
    """
    waiting = Session.objects.filter(state=SessionState.INTERRUPTED).order_by("pk")
    changed = 0
    for session_id in list(waiting.values_list("pk", flat=True)[:_LIMIT]):
        try:
            changed += _settle(session_id, now, grace, prices=True)
        except PricingFailed:
            logger.exception("session_not_priced", session=session_id)
            changed += _settle(session_id, now, grace, prices=False)
    return changed


def _says_it_charges(session: Session) -> bool:
    """Whether the connector reported since the interruption that a car is being served."""
    connector = session.connector
    return (
        connector.status in _SERVING
        and connector.status_at is not None
        and session.interrupted_at is not None
        and connector.status_at > session.interrupted_at
    )


@transaction.atomic
def _settle(session_id: int, now: datetime, grace: timedelta, *, prices: bool) -> int:
    session = lock_session(session_id)
    if session.state != SessionState.INTERRUPTED or session.interrupted_at is None:
        return 0
    newest = Reading.objects.filter(
        session_id=session.pk, received_at__gt=session.interrupted_at
    ).aggregate(at=Max("received_at"))["at"]
    if newest is None and _says_it_charges(session):
        newest = session.connector.status_at
    if newest is not None:
        return _move([session], SessionState.ACTIVE, newest)
    if session.interrupted_at > now - grace:
        return 0
    ending = Ending(
        ended_at=last_known_moment(session), received_at=now, reason=EndReason.INTERRUPTED
    )
    end(session, ending, prices=prices)
    return 1
