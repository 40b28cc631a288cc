"""A charger says that a session has ended. It always gets an answer: it would resend for ever."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from accounts.domain.states import Authorization
from accounts.services.authorization import authorize
from chargepoints.domain.clocks import is_plausible
from chargepoints.models import Station
from transactions.domain.inputs import SessionStop
from transactions.domain.states import INFERRED_END_REASONS, OPEN_SESSION_STATES, SessionState
from transactions.locks import lock_transaction
from transactions.models import ReviewItem, Session
from transactions.selectors.metering import (
    has_wrong_start_clock,
    register_value,
    registers_from,
)
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

    The same stop again changes nothing. A session that could not be priced is ended all the same
    and priced by the sweeper.
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
        return _stop_unknown(station_id, stop, session)
    if session.state in OPEN_SESSION_STATES or _is_end_inferred(session):
        return _stop_open(session, stop, prices=prices)
    if session.state != SessionState.ENDED:
        return _stop_unknown(station_id, stop, None)
    if (session.charger_ended_at, session.meter_stop_wh) != (
        stop.ended_at,
        register_value(stop.meter_stop_wh),
    ):
        _file(ReviewItem.Kind.CONFLICTING_STOP, session.station_id, stop, session)
    return _answer_known(session, stop)


def _is_end_inferred(session: Session) -> bool:
    return session.charger_ended_at is None and session.end_reason in INFERRED_END_REASONS


def _stop_open(session: Session, stop: SessionStop, *, prices: bool) -> StopAnswer:
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
            charger_ended_at=stop.ended_at,
            raw=_raw(stop),
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
    if has_wrong_start_clock(session) and session.charger_started_at is not None:
        by_charger = stop.ended_at - session.charger_started_at
        by_receipt = stop.received_at - session.start_received_at
        holds = abs(by_charger - by_receipt) > SAME_DURATION
        fault = "The charger's clock changed during the session." if holds else ""
        return max(stop.received_at, started_at), fault, holds
    if not is_plausible(stop.ended_at, stop.received_at):
        fault = f"The end says {stop.ended_at.isoformat()}: our receive time counts."
        return max(stop.received_at, started_at), fault, True
    if stop.ended_at < started_at:
        return max(stop.received_at, started_at), "The session ends before it starts.", True
    return stop.ended_at, "", False


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


def _stop_unknown(station_id: int, stop: SessionStop, foreign: Session | None) -> StopAnswer:
    """Keep a stop that no session of this station is meant by, once per content."""
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
                    stop.transaction_id, stop.ended_at, stop.meter_stop_wh, stop.id_token.lower()
                ),
                received_at=stop.received_at,
                detail=detail or f"transaction {stop.transaction_id}",
                raw=_raw(stop),
            )
        ]
    )


def _raw(stop: SessionStop) -> dict[str, Any]:
    return {
        "transaction_id": stop.transaction_id,
        "ended_at": stop.ended_at.isoformat(),
        "meter_stop_wh": stop.meter_stop_wh,
        "reason": stop.reason,
        "id_token": stop.id_token,
        "message": stop.raw,
    }
