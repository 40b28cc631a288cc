"""The sessions of a station that a stop without a usable transaction id may end."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q

from chargepoints.domain.clocks import TOLERATED_AGE
from transactions.domain.energy import DEFAULT_MAX_POWER_W, RegisterSample
from transactions.domain.inputs import SessionStop
from transactions.domain.matching import Candidate, meant
from transactions.domain.states import INFERRED_END_REASONS, OPEN_SESSION_STATES, SessionState
from transactions.models import ReviewItem, Session
from transactions.models.review import ORPHAN_KINDS
from transactions.selectors.metering import has_wrong_start_clock, register_value
from transactions.selectors.readings import newest_register_of

# More sessions without a stop than that are no help in finding the one that is meant.
_LIMIT = 20


def without_stop(station_id: int, ended_at: datetime) -> list[Session]:
    """The station's sessions that began by `ended_at` and got no stop of their charger yet.

    Not those whose times the charger's clock got wrong: nothing can be compared with them.
    """
    open_or_inferred = Q(state__in=OPEN_SESSION_STATES) | Q(
        state=SessionState.ENDED,
        end_reason__in=INFERRED_END_REASONS,
        charger_ended_at__isnull=True,
    )
    found = (
        Session.objects.filter(
            open_or_inferred,
            station_id=station_id,
            started_at__gte=ended_at - TOLERATED_AGE,
            started_at__lte=ended_at,
        )
        .select_related("connector")
        .order_by("-started_at")
    )
    return [session for session in found[:_LIMIT] if not has_wrong_start_clock(session)]


def candidates(sessions: Iterable[Session]) -> list[Candidate]:
    """What tells whether a stop fits each of `sessions`."""
    return [_candidate(session) for session in sessions if session.started_at is not None]


def _candidate(session: Session) -> Candidate:
    if session.started_at is None:
        raise ValueError("The session never started.")
    newest = newest_register_of(session)
    following = Session.objects.filter(
        connector_id=session.connector_id, started_at__gt=session.started_at
    )
    return Candidate(
        session_id=session.pk,
        started_at=session.started_at,
        meter_start_wh=session.meter_start_wh,
        last=None if newest is None else RegisterSample(newest.measured_at, newest.energy_wh),
        id_token=session.id_token_value,
        max_power_w=session.connector.max_power_w or DEFAULT_MAX_POWER_W,
        next_started_at=following.order_by("started_at")
        .values_list("started_at", flat=True)
        .first(),
    )


def session_meant(station_id: int, stop: SessionStop) -> int | None:
    """The primary key of the one session that the stop fits, if there is one."""
    found = meant(stop, candidates(without_stop(station_id, stop.ended_at)))
    return None if found is None else found.session_id


def session_ended_by(station_id: int, stop: SessionStop) -> int | None:
    """The primary key of the session that exactly this stop ended already."""
    if not stop.has_time:
        return None
    return (
        Session.objects.filter(
            station_id=station_id,
            charger_ended_at=stop.charger_ended_at,
            meter_stop_wh=register_value(stop.meter_stop_wh),
            state=SessionState.ENDED,
            started_at__gte=stop.received_at - 2 * TOLERATED_AGE,
        )
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
    )


def is_reported_late(started_at: datetime, received_at: datetime) -> bool:
    """Whether the session's stop may have come before its start."""
    return received_at - started_at > _LATE


_LATE = timedelta(seconds=10)
# How far apart a start and its stop may be received and still not have seen each other.
_CROSSING = timedelta(minutes=1)
# A sweeper that stood still for longer leaves them to a person.
_LOOKED_BACK = timedelta(hours=1)


def crossed_by_stops(at: datetime) -> list[int]:
    """The primary keys of sessions reported late, just when an orphan of their station was kept."""
    kept = ReviewItem.objects.filter(
        station=OuterRef("station"),
        kind__in=ORPHAN_KINDS,
        resolved_at__isnull=True,
        received_at__gte=OuterRef("start_received_at") - _CROSSING,
        received_at__lte=OuterRef("start_received_at") + _CROSSING,
    )
    found = Session.objects.filter(
        Exists(kept),
        state__in=OPEN_SESSION_STATES,
        start_received_at__gt=at - _LOOKED_BACK,
        started_at__lt=F("start_received_at") - _LATE,
    ).order_by("pk")
    return [session.pk for session in found if not has_wrong_start_clock(session)]


def fitting_stops(session: Session, stops: Sequence[SessionStop]) -> list[int]:
    """The places in `stops` of those that fit the session; some may fit others as well."""
    own = candidates([session])
    return [place for place, stop in enumerate(stops) if meant(stop, own) is not None]
