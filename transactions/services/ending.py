"""What every end of a session has in common: measuring, flagging, pricing, telling."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chargepoints.domain.text import fit
from chargepoints.services import anomalies
from csms.common.events import publish
from csms.common.rows import insert, update
from transactions.domain.energy import MeterFault
from transactions.domain.states import SESSION_TRANSITIONS, EndReason, SessionState
from transactions.events import SessionEnded, SessionUnpriced
from transactions.models import ReviewItem, Session, SessionEvent
from transactions.selectors.metering import measure, moment_of
from transactions.selectors.readings import StoredRegister, registers_of
from transactions.services.pricing import PRICE_FIELDS, store_price
from transactions.services.reviewing import content_key, file, item

REASON_LENGTH = 50
_END_FIELDS = (
    "state",
    "ended_at",
    "charger_ended_at",
    "stop_received_at",
    "charging_ended_at",
    "unplugged_at",
    "meter_stop_wh",
    "energy_wh",
    "end_reason",
    "is_held",
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended. `ended_at` counts for money; `charger_ended_at` is what was sent.

    `raw` goes into the review items that come of it. `holds`: the times are not to be believed.
    """

    ended_at: datetime
    received_at: datetime
    reason: str
    meter_stop_wh: int | None = None
    charger_ended_at: datetime | None = None
    unplugged_at: datetime | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    holds: bool = False


def end(
    session: Session,
    ending: Ending,
    *,
    registers: Iterable[StoredRegister] = (),
    prices: bool = True,
) -> None:
    """End a locked session, or replace the end that we had inferred.

    `registers` are values that are not stored yet.

    Raises `PricingFailed`, unless `prices` is False: then the session stays to be priced.
    """
    if session.state != SessionState.ENDED:
        SESSION_TRANSITIONS.check(SessionState(session.state), SessionState.ENDED)
        session.state = SessionState.ENDED.value
    session.ended_at = ending.ended_at
    session.charger_ended_at = ending.charger_ended_at
    session.stop_received_at = ending.received_at
    session.meter_stop_wh = ending.meter_stop_wh
    session.end_reason = fit(ending.reason, REASON_LENGTH)
    if session.end_reason == EndReason.EV_DISCONNECTED:
        session.unplugged_at = ending.ended_at
    measured = measure(
        session,
        ended_at=ending.ended_at,
        meter_stop_wh=ending.meter_stop_wh,
        registers=[*registers_of(session), *registers],
    )
    session.energy_wh = measured.energy_wh
    session.charging_ended_at = measured.flow_ended_at
    if ending.unplugged_at is not None:
        session.unplugged_at = max(filter(None, (ending.unplugged_at, measured.flow_ended_at)))
    if measured.resets:
        detail = f"session {session.pk}: began again at 0, {measured.resets} times"
        anomalies.record(session.station_id, "register_reset", detail, ending.received_at)
    # What was wrong with the start stays so whatever ends it.
    stays_held = session.is_held and _has_unreadable_start(session)
    session.is_held = ending.holds or bool(measured.faults) or stays_held
    _flag(session, ending, measured.faults)
    is_priced = prices and store_price(session, measured, ending.received_at)
    if not is_priced and session.priced_at is not None:
        session.priced_at = session.total_net = session.total_tax = session.total_gross = None
        session.cost_lines.all().delete()
    event = SessionEvent(
        session=session,
        at=ending.received_at,
        kind="ended",
        detail={"reason": session.end_reason, "energy_wh": session.energy_wh},
    )
    insert([event])
    update(session, (*_END_FIELDS, *PRICE_FIELDS))
    publish(SessionEnded(session.pk))
    if not prices:
        publish(SessionUnpriced(session.pk))


def _has_unreadable_start(session: Session) -> bool:
    return session.review_items.filter(
        kind=ReviewItem.Kind.UNREADABLE, resolved_at__isnull=True
    ).exists()


def _flag(session: Session, ending: Ending, faults: Iterable[MeterFault]) -> None:
    """File one item for all that is wrong with the meter of this end."""
    names = ", ".join(faults)
    if not names:
        return
    file(
        [
            item(
                ReviewItem.Kind.IMPOSSIBLE_METER,
                station_id=session.station_id,
                session=session,
                key=content_key(session.pk, ending.ended_at, ending.meter_stop_wh, names),
                received_at=ending.received_at,
                detail=f"{names}: {session.meter_start_wh} Wh to {ending.meter_stop_wh} Wh",
                raw=ending.raw,
            )
        ]
    )


def last_known_moment(session: Session) -> datetime:
    """When a session was last heard of that got no stop: its last reading, else its start."""
    if session.started_at is None:
        raise ValueError("The session never started.")
    moments = [moment_of(session, row) for row in registers_of(session)]
    return max([session.started_at, *moments])
