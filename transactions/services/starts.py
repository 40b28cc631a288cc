"""A charger says that a session has started."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from accounts.domain.states import Authorization
from accounts.services.authorization import AuthorizationResult, authorize
from chargepoints.domain.clocks import is_plausible
from chargepoints.domain.text import fit
from chargepoints.locks import lock_station
from chargepoints.services.connectors import ensure_connector, is_acceptable
from csms.common.events import publish
from csms.common.rows import insert
from transactions.domain.inputs import SessionStart
from transactions.domain.kept import frame_as_json
from transactions.domain.states import (
    AWAITED_SESSION_STATES,
    OPEN_SESSION_STATES,
    SESSION_TRANSITIONS,
    EndReason,
    SessionState,
)
from transactions.events import SessionStarted
from transactions.locks import TRANSACTION_ID_LENGTH, Spot, lock_connector, lock_session
from transactions.models import ReviewItem, Session, SessionEvent
from transactions.selectors.metering import register_value
from transactions.selectors.related import RelatedSession, related_sessions
from transactions.selectors.start_places import likeliest_place
from transactions.selectors.stop_candidates import is_reported_late
from transactions.selectors.tariffs import version_at
from transactions.services.authorizing import where_asked
from transactions.services.ending import Ending, end, last_known_moment
from transactions.services.orphans import end_by_kept_stop
from transactions.services.pricing import PricingFailed
from transactions.services.reserving import use
from transactions.services.reviewing import content_key, file, item

TOKEN_LENGTH = 255


@dataclass(frozen=True, slots=True)
class StartAnswer:
    """`transaction_id` is the session's primary key: OCPP 1.6's transactionId."""

    transaction_id: int
    authorization: Authorization
    expires_at: datetime | None = None
    group: str = ""


def start_key(start: SessionStart) -> str:
    """What makes two starts of one station the same, whatever their message ids."""
    return content_key(
        start.evse_id,
        start.connector_id,
        start.id_token.lower(),
        start.charger_started_at.astimezone(UTC).isoformat() if start.has_time else "",
        start.meter_start_wh,
        start.transaction_id,
    )


def start_session(station_id: int, start: SessionStart) -> StartAnswer:
    """Store the session, whatever its token is worth, and say what the token is worth.

    The same start again finds its session, unless that has ended and the charger's clock is not to
    be believed. A session still open on the connector is ended as superseded. A start that names
    no connector that a station has is stored at the likeliest one, for review.
    """
    try:
        with transaction.atomic():
            return _start(station_id, start, prices=True)
    except PricingFailed:
        # Of the session that this one supersedes: it is priced later, and this start is stored.
        with transaction.atomic():
            return _start(station_id, start, prices=False)


def _start(station_id: int, start: SessionStart, *, prices: bool) -> StartAnswer:
    spot = _spot(station_id, start)
    is_clock_right = start.has_time and is_plausible(start.started_at, start.received_at)
    started_at = start.started_at if is_clock_right else start.received_at
    token = authorize(start.id_token, operator_id=spot.operator_id, at=started_at, is_to_stay=True)
    key = start_key(start)
    charger_id = fit(start.transaction_id, TRANSACTION_ID_LENGTH) or None
    is_archived, related = related_sessions(
        station_id=station_id,
        connector_id=spot.connector_id,
        start_key=key,
        ocpp_transaction_id=charger_id,
        id_token_id=token.id_token.pk if token.id_token else None,
    )
    for session in related:
        if session.station_id == station_id and (
            session.start_key == key or (charger_id and session.ocpp_transaction_id == charger_id)
        ):
            if _only_looks_the_same(session, charger_id, is_clock_right=is_clock_right):
                Session.objects.filter(pk=session.pk).update(start_key=None)
                continue
            return _answer(session.pk, Authorization(session.authorization), token)
    token = where_asked(token, spot, related, started_at)
    authorization = _authorization(token, spot, related, is_archived=is_archived)
    for session in related:
        if session.connector_id == spot.connector_id and session.state in OPEN_SESSION_STATES:
            _supersede(session.pk, start, prices=prices)
    new = _awaited(related, spot, start) or Session()
    new.station_id = station_id
    new.connector_id = spot.connector_id
    new.start_key = key
    new.ocpp_transaction_id = charger_id
    new.id_token = token.id_token
    new.id_token_value = fit(start.id_token, TOKEN_LENGTH)
    new.authorization = authorization.value
    if new.driver_id is None and token.id_token is not None:
        new.driver_id = token.id_token.user_id
    new.started_at = started_at
    new.charger_started_at = start.charger_started_at
    new.clock_ahead_seconds = round(start.clock_ahead.total_seconds())
    new.register_kind = start.register_kind.value
    new.start_received_at = start.received_at
    new.meter_start_wh = register_value(start.meter_start_wh)
    new.is_held = bool(_unreadable(start))
    new.state = SessionState.ACTIVE.value
    new.expires_at = None
    if new.tariff_version_id is None:  # else the driver was shown the price and agreed to it
        _set_tariff(new, spot, started_at)
    _store(new)
    _record(new, start, is_clock_right=is_clock_right)
    use(new, start)
    publish(SessionStarted(new.pk))
    if spot.has_kept_stops and is_clock_right and is_reported_late(started_at, start.received_at):
        end_by_kept_stop(new.pk, start.received_at, prices=prices)
    return _answer(new.pk, authorization, token)


def _only_looks_the_same(
    session: RelatedSession, charger_id: str | None, *, is_clock_right: bool
) -> bool:
    """Whether a start is a new one although all of its content was there before.

    A clock that begins anew at each power-up, a register that begins at 0 and the same card make
    two days' starts equal. While the session runs, it is the same start again.
    """
    return (
        not is_clock_right
        and session.state not in OPEN_SESSION_STATES
        and not (charger_id and session.ocpp_transaction_id == charger_id)
    )


def _store(session: Session) -> None:
    if session.pk is None:
        insert([session])
    else:
        session.save()


def _unreadable(start: SessionStart) -> list[str]:
    """What a session cannot do without and its start does not say."""
    missing = []
    if not is_acceptable(start.evse_id, start.connector_id):
        missing.append("connector")
    if register_value(start.meter_start_wh) is None:
        missing.append("meter")
    return missing


def _spot(station_id: int, start: SessionStart) -> Spot:
    evse_id, connector_id = start.evse_id, start.connector_id
    if not is_acceptable(evse_id, connector_id):
        evse_id, connector_id = likeliest_place(station_id)
    spot = lock_connector(station_id, evse_id, connector_id)
    if spot is None:
        # Who archives the station holds the connectors that there are; this one comes after that.
        lock_station(station_id)
        ensure_connector(station_id, evse_id, connector_id)
        spot = lock_connector(station_id, evse_id, connector_id)
    if spot is None:
        raise LookupError("The connector vanished.")
    return spot


def _set_tariff(session: Session, spot: Spot, started_at: datetime) -> None:
    tariff = version_at(
        evse_id=spot.evse_id,
        station_id=spot.station_id,
        site_id=spot.site_id,
        operator_id=spot.operator_id,
        at=started_at,
    )
    if tariff is not None:
        session.tariff_version_id = tariff.version_id
        session.currency = tariff.currency


def _authorization(
    token: AuthorizationResult,
    spot: Spot,
    related: Sequence[RelatedSession],
    *,
    is_archived: bool,
) -> Authorization:
    if is_archived:  # it began while the station was taken away: the charger is to end it
        return Authorization.INVALID
    if token.status is Authorization.ACCEPTED and token.id_token is not None:
        for session in related:
            if (
                session.id_token_id == token.id_token.pk
                and session.connector_id != spot.connector_id
                and session.state in OPEN_SESSION_STATES
            ):
                return Authorization.CONCURRENT_TX
    return token.status


def _awaited(related: Sequence[RelatedSession], spot: Spot, start: SessionStart) -> Session | None:
    """The session that a driver has asked for with this token here, if any.

    Also one for which the charger was not asked yet: it may begin late what it was asked before.
    """
    for session in related:
        if (
            session.connector_id == spot.connector_id
            and session.state in AWAITED_SESSION_STATES
            and session.id_token_value.lower() == start.id_token.lower()
        ):
            locked = lock_session(session.pk)
            if locked.state in AWAITED_SESSION_STATES:
                SESSION_TRANSITIONS.check(SessionState(locked.state), SessionState.ACTIVE)
                return locked
    return None


def _supersede(session_id: int, start: SessionStart, *, prices: bool) -> None:
    session = lock_session(session_id)
    if session.state not in OPEN_SESSION_STATES:
        return
    file(
        [
            item(
                ReviewItem.Kind.SUPERSEDED,
                station_id=session.station_id,
                session=session,
                key=content_key(session.pk),
                received_at=start.received_at,
                detail="No stop came before the next start on the connector.",
                raw=frame_as_json(start.frame),
            )
        ]
    )
    ending = Ending(
        ended_at=last_known_moment(session),
        received_at=start.received_at,
        reason=EndReason.SUPERSEDED,
    )
    end(session, ending, prices=prices)


def _record(session: Session, start: SessionStart, *, is_clock_right: bool) -> None:
    event = SessionEvent(
        session=session,
        at=start.received_at,
        kind="started",
        detail={
            "authorization": session.authorization,
            "meter_start_wh": session.meter_start_wh,
            "reservation_id": start.reservation_id,
        },
    )
    insert([event])
    items: list[ReviewItem] = []
    if session.authorization not in (Authorization.ACCEPTED, Authorization.CONCURRENT_TX):
        detail = f"{session.authorization}: {session.id_token_value}"
        items.append(_item(ReviewItem.Kind.UNAUTHORIZED, session, start, detail))
    unreadable = ", ".join(_unreadable(start))
    if unreadable:
        items.append(_item(ReviewItem.Kind.UNREADABLE, session, start, unreadable))
    if not is_clock_right:
        said = start.charger_started_at.isoformat() if start.has_time else "no time to be read"
        detail = f"The start says {said}: our receive time counts."
        items.append(_item(ReviewItem.Kind.CLOCK_FAULT, session, start, detail))
    file(items)


def _item(kind: ReviewItem.Kind, session: Session, start: SessionStart, detail: str) -> ReviewItem:
    return item(
        kind,
        station_id=session.station_id,
        session=session,
        key=content_key("start", session.pk),
        received_at=start.received_at,
        detail=detail,
        raw=frame_as_json(start.frame),
    )


def _answer(
    session_id: int, authorization: Authorization, token: AuthorizationResult
) -> StartAnswer:
    return StartAnswer(session_id, authorization, token.expires_at, token.group)
