"""A charger says that a session has ended. It always gets an answer: it would resend for ever."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from accounts.domain.states import Authorization
from accounts.services.authorization import authorize
from chargepoints.domain.clocks import is_plausible
from chargepoints.domain.states import ConnectorStatus
from chargepoints.domain.text import fit
from chargepoints.models import Station
from chargepoints.services import anomalies
from transactions.domain import kept
from transactions.domain.inputs import SessionStop
from transactions.domain.states import INFERRED_END_REASONS, OPEN_SESSION_STATES, SessionState
from transactions.locks import TRANSACTION_ID_LENGTH, lock_session, lock_transaction
from transactions.models import ReviewItem, Session, SessionEvent
from transactions.selectors.metering import (
    has_wrong_start_clock,
    register_value,
    registers_from,
)
from transactions.selectors.stop_candidates import session_ended_by, session_meant
from transactions.services.ending import Ending, end
from transactions.services.pricing import PricingFailed
from transactions.services.readings import reading_rows, store_readings
from transactions.services.reviewing import content_key, file, item

logger = structlog.get_logger(__name__)
# A clock that is wrong by a constant still measures how long a session took.
SAME_DURATION = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class StopAnswer:
    """What the token that stopped is worth; `authorization` None where there was none."""

    authorization: Authorization | None = None
    expires_at: datetime | None = None
    group: str = ""


def stop_session(station_id: int, stop: SessionStop) -> StopAnswer:
    """End and price the session; what cannot be right goes to the review queue instead.

    A transaction id that leads to no session may still leave only one that the stop fits. The same
    stop again changes nothing. A session that could not be priced is ended all the same and priced
    by the sweeper.
    """
    try:
        with transaction.atomic():
            return _stop(station_id, stop, prices=True)
    except PricingFailed:
        logger.exception("session_not_priced", station=station_id)
        with transaction.atomic():
            return _stop(station_id, stop, prices=False)


def _stop(station_id: int, stop: SessionStop, *, prices: bool) -> StopAnswer:
    session = lock_transaction(station_id, stop.transaction_id)
    if session is None or session.station_id != station_id:
        return _stop_unknown(station_id, stop, session, prices=prices)
    if is_waiting(session):
        return end_by_stop(session, stop, prices=prices)
    if session.state != SessionState.ENDED:
        return _stop_unknown(station_id, stop, None, prices=prices)
    if _is_same_stop(session, stop):
        return _answer_known(session, stop)
    # A charger's own count may have come to the number of a session that is long over.
    if session.ended_at is not None and stop.ended_at > session.ended_at:
        other = _session_meant(station_id, stop)
        if other is not None:
            return _end_meant(other, stop, prices=prices)
    _file(ReviewItem.Kind.CONFLICTING_STOP, session.station_id, stop, session)
    return _answer_known(session, stop)


def _is_same_stop(session: Session, stop: SessionStop) -> bool:
    """A stop without a time of its own is another moment each time that it is repeated."""
    is_same_time = session.charger_ended_at == stop.charger_ended_at or not stop.has_time
    return is_same_time and session.meter_stop_wh == register_value(stop.meter_stop_wh)


def is_waiting(session: Session) -> bool:
    """Whether a stop of the charger ends the session, or replaces the end that we inferred."""
    is_inferred = session.charger_ended_at is None and session.end_reason in INFERRED_END_REASONS
    return session.state in OPEN_SESSION_STATES or is_inferred


def _session_meant(station_id: int, stop: SessionStop) -> Session | None:
    """The session, locked, that a stop without a usable transaction id ends or has ended."""
    session_id = session_ended_by(station_id, stop) or session_meant(station_id, stop)
    return None if session_id is None else lock_session(session_id)


def _end_meant(session: Session, stop: SessionStop, *, prices: bool) -> StopAnswer:
    if not is_waiting(session):
        return _answer_known(session, stop)
    note_match(session, stop, stop.received_at)
    return end_by_stop(session, stop, prices=prices)


def note_match(session: Session, stop: SessionStop, at: datetime) -> None:
    """Write down that the stop's own transaction id did not lead to the session."""
    SessionEvent.objects.create(
        session=session,
        at=at,
        kind="stop_matched",
        detail={"transaction_id": fit(stop.transaction_id, TRANSACTION_ID_LENGTH)},
    )


def end_by_stop(session: Session, stop: SessionStop, *, prices: bool) -> StopAnswer:
    """End a locked session with the values of its stop, and store the readings in it.

    Raises `PricingFailed`, unless `prices` is False.
    """
    answer = _answer_known(session, stop)
    is_own = stop.id_token.lower() == session.id_token_value.lower()
    if answer.authorization not in (None, Authorization.ACCEPTED) and not is_own:
        _file(ReviewItem.Kind.UNRELATED_STOP, session.station_id, stop, session)
    ended_at, fault, holds = _end_time(session, stop)
    if fault:
        _file(ReviewItem.Kind.CLOCK_FAULT, session.station_id, stop, session, fault)
    end(
        session,
        Ending(
            ended_at=ended_at,
            received_at=stop.received_at,
            reason=stop.reason or "Local",
            meter_stop_wh=register_value(stop.meter_stop_wh),
            charger_ended_at=stop.charger_ended_at,
            unplugged_at=_unplugged_at(session, stop),
            raw=kept.as_json(stop),
            holds=holds,
        ),
        registers=registers_from(stop.readings, stop.received_at),
        prices=prices,
    )
    store_readings(
        reading_rows(
            session.station_id,
            session.connector_id,
            session.pk,
            stop.received_at,
            stop.readings,
        )
    )
    return answer


def _end_time(session: Session, stop: SessionStop) -> tuple[datetime, str, bool]:
    """The end that counts, what is wrong with the charger's, and whether that holds the session.

    Where the start's clock was wrong by the same amount, our receive times tell the duration.
    """
    started_at = session.started_at
    if started_at is None or session.start_received_at is None:
        raise ValueError("The session never started.")
    if not stop.has_time:
        return max(stop.received_at, started_at), "The end has no time that can be read.", True
    if has_wrong_start_clock(session) and session.charger_started_at is not None:
        by_charger = stop.charger_ended_at - session.charger_started_at
        by_receipt = stop.received_at - session.start_received_at
        holds = abs(by_charger - by_receipt) > SAME_DURATION
        fault = "The charger's clock changed during the session." if holds else ""
        return max(stop.received_at, started_at), fault, holds
    if not is_plausible(stop.ended_at, stop.received_at):
        fault = f"The end says {stop.charger_ended_at.isoformat()}: our receive time counts."
        return max(stop.received_at, started_at), fault, True
    if stop.ended_at < started_at:
        return max(stop.received_at, started_at), "The session ends before it starts.", True
    return stop.ended_at, "", False


def _unplugged_at(session: Session, stop: SessionStop) -> datetime | None:
    """When the connector was reported free within the session (case 38), if its charger does so.

    Of a charger of which that is not known, it is counted as a deviation and means nothing.
    """
    connector, started_at = session.connector, session.started_at
    since = connector.status_at
    if connector.status != ConnectorStatus.AVAILABLE or since is None or started_at is None:
        return None
    if not started_at < since < stop.ended_at:
        return None
    if not stop.is_available_first:
        detail = f"transaction {stop.transaction_id}"
        anomalies.record(session.station_id, "available_before_stop", detail, stop.received_at)
        return None
    return since


def _answer_known(session: Session, stop: SessionStop) -> StopAnswer:
    """What the stopping token is worth for this session: its own, its group's, or Invalid."""
    if not stop.id_token:
        return StopAnswer()
    own = session.id_token
    if stop.id_token.lower() == session.id_token_value.lower():
        worth = Authorization(session.authorization)
        if worth is Authorization.CONCURRENT_TX:
            worth = Authorization.ACCEPTED
        if own is None:
            return StopAnswer(worth)
        return StopAnswer(worth, own.expires_at, own.group)
    operator_id = session.connector.evse.station.site.operator_id
    other = authorize(stop.id_token, operator_id=operator_id, at=stop.received_at)
    is_related = own is not None and own.group != "" and other.group == own.group
    if other.status is Authorization.ACCEPTED and not is_related:
        return StopAnswer(Authorization.INVALID, other.expires_at, other.group)
    return StopAnswer(other.status, other.expires_at, other.group)


def _stop_unknown(
    station_id: int, stop: SessionStop, foreign: Session | None, *, prices: bool
) -> StopAnswer:
    """Find the session that is meant all the same, or keep the stop, once per content."""
    session = _session_meant(station_id, stop)
    if session is not None:
        return _end_meant(session, stop, prices=prices)
    kind = ReviewItem.Kind.ORPHAN_STOP if foreign is None else ReviewItem.Kind.FOREIGN_TRANSACTION
    _file(kind, station_id, stop, foreign)
    if not stop.id_token:
        return StopAnswer()
    operator_id = Station.objects.values_list("site__operator_id", flat=True).get(pk=station_id)
    token = authorize(stop.id_token, operator_id=operator_id, at=stop.received_at)
    return StopAnswer(token.status, token.expires_at, token.group)


def _file(
    kind: ReviewItem.Kind,
    station_id: int,
    stop: SessionStop,
    session: Session | None,
    detail: str = "",
) -> None:
    file(
        [
            item(
                kind,
                station_id=station_id,
                session=session,
                key=content_key(
                    stop.transaction_id,
                    stop.charger_ended_at if stop.has_time else "",
                    stop.meter_stop_wh,
                    stop.id_token.lower(),
                ),
                received_at=stop.received_at,
                detail=detail or f"transaction {stop.transaction_id or '?'}",
                raw=kept.as_json(stop),
            )
        ]
    )
