"""Sessions that a charger lost by a power cut or a reboot, and their way back or out."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q

from chargepoints.domain.clocks import effective_time
from chargepoints.domain.states import ConnectorStatus
from transactions.domain.states import SESSION_TRANSITIONS, EndReason, SessionState
from transactions.locks import lock_session, lock_sessions, lock_sessions_of_station
from transactions.models import Reading, Session, SessionEvent
from transactions.selectors.metering import has_wrong_start_clock
from transactions.services.ending import Ending, end, last_known_moment
from transactions.services.readings import ReadingRow
from transactions.services.sweeping import each_session

# How long a charger may take after its boot to go on with a session or to report its end.
GRACE = timedelta(minutes=10)
# Networks and power come back sooner, or the charger does not.
LOST_AFTER = timedelta(hours=24)
# A charger's clock may be behind by this much before its readings seem older than its boot.
CLOCK_TOLERANCE = timedelta(minutes=1)
_SERVING = frozenset(
    {ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE}
)
_LIMIT = 500


def _move(
    moments: Mapping[Session, datetime], target: SessionState, interrupted_at: datetime | None
) -> int:
    """Set the state of locked sessions, and write for each that this happened at its moment.

    Two statements, however many there are: after a power cut a thousand go on in one batch, and
    every other charger waits for it. Returns how many.
    """
    for session in moments:
        SESSION_TRANSITIONS.check(SessionState(session.state), target)
        session.state = target.value
        session.interrupted_at = interrupted_at
    if moments:
        Session.objects.filter(pk__in=[session.pk for session in moments]).update(
            state=target.value, interrupted_at=interrupted_at
        )
        kind = "resumed" if interrupted_at is None else "interrupted"
        SessionEvent.objects.bulk_create(
            SessionEvent(session=session, at=at, kind=kind) for session, at in moments.items()
        )
    return len(moments)


@transaction.atomic(savepoint=False)
def mark_interrupted(station_id: int, at: datetime) -> int:
    """The station booted at `at`: what it was running is in doubt. Returns how many sessions."""
    running = lock_sessions_of_station(station_id, [SessionState.ACTIVE])
    doubtful = [s for s in running if s.start_received_at is None or s.start_received_at < at]
    return _move(dict.fromkeys(doubtful, at), SessionState.INTERRUPTED, at)


def give_up_lost(now: datetime) -> int:
    """Interrupt what runs at stations that were archived, or not heard of for `LOST_AFTER`.

    Its end is then inferred, and a stop that comes after all replaces that: else the driver's card
    would be in use for ever. Returns how many sessions.
    """
    lost = Q(station__archived_at__isnull=False) | Q(
        station__is_online=False, station__last_seen_at__lt=now - LOST_AFTER
    )
    running = Session.objects.filter(lost, state=SessionState.ACTIVE, start_received_at__lt=now)
    stations = running.order_by("station_id").values_list("station_id", flat=True).distinct()
    return sum(mark_interrupted(station_id, now) for station_id in list(stations[:_LIMIT]))


@transaction.atomic
def resume_by(rows: Iterable[ReadingRow]) -> int:
    """Resume the sessions that `rows`, just received, show to go on; returns how many.

    One that somebody has locked is left to the sweep: its lock would hold up every charger whose
    readings are written with these.
    """
    by_session: dict[int, list[ReadingRow]] = {}
    for row in rows:
        if row.session_id is not None:
            by_session.setdefault(row.session_id, []).append(row)
    going_on: dict[Session, datetime] = {}
    for session in lock_sessions(by_session, [SessionState.INTERRUPTED], skips_locked=True):
        times = [(row.reading.measured_at, row.received_at) for row in by_session[session.pk]]
        newest = _newest_sign(session, times)
        if newest is not None:
            going_on[session] = newest
    return _move(going_on, SessionState.ACTIVE, None)


def _newest_sign(session: Session, times: Iterable[tuple[datetime, datetime]]) -> datetime | None:
    """When we last received a reading that was measured after the interruption, if ever.

    `times`: measured and received. What the charger had kept from before its boot says nothing.
    """
    if session.interrupted_at is None:
        return None
    earliest = session.interrupted_at - CLOCK_TOLERANCE
    by_receipt = has_wrong_start_clock(session)
    signs = [
        received_at
        for measured_at, received_at in times
        if received_at > session.interrupted_at
        and (by_receipt or effective_time(measured_at, received_at) > earliest)
    ]
    return max(signs, default=None)


def settle_interrupted(now: datetime, grace: timedelta = GRACE) -> int:
    """Resume what shows signs of life since its interruption, end what was silent for `grace`.

    An ended one counts up to its last reading; a stop that comes later replaces that. Returns how
    many sessions changed.
    """
    waiting = Session.objects.filter(state=SessionState.INTERRUPTED).order_by("interrupted_at")
    found = list(waiting.values_list("pk", flat=True)[:_LIMIT])
    return each_session(found, partial(_settle, now=now, grace=grace))


def _says_it_charges(session: Session) -> bool:
    """Whether the connector reported since the interruption that a car is being served."""
    connector = session.connector
    return (
        connector.status in _SERVING
        and connector.status_at is not None
        and session.interrupted_at is not None
        and connector.status_at > session.interrupted_at
    )


def _settle(session_id: int, *, now: datetime, grace: timedelta, prices: bool) -> int:
    session = lock_session(session_id)
    if session.state != SessionState.INTERRUPTED or session.interrupted_at is None:
        return 0
    since = Reading.objects.filter(session_id=session.pk, received_at__gt=session.interrupted_at)
    newest = _newest_sign(session, since.values_list("measured_at", "received_at"))
    if newest is None and _says_it_charges(session):
        newest = session.connector.status_at
    if newest is not None:
        return _move({session: newest}, SessionState.ACTIVE, None)
    if session.interrupted_at > now - grace:
        return 0
    ending = Ending(
        ended_at=last_known_moment(session), received_at=now, reason=EndReason.INTERRUPTED
    )
    end(session, ending, prices=prices)
    return 1
