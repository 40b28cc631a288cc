"""The facts behind an item of the review queue, for `transactions.domain.proposals`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from transactions.domain import kept
from transactions.domain.inputs import SessionStop
from transactions.domain.matching import fits
from transactions.domain.pricing import PricingError, price
from transactions.domain.proposals import Case, Closing, Facts, Outcome, Proposal, propose
from transactions.domain.states import OPEN_SESSION_STATES, SessionState
from transactions.models import ReviewItem, Session, TariffVersion
from transactions.models.review import ORPHAN_KINDS
from transactions.selectors.metering import (
    measure,
    measure_until,
    register_value,
    registers_from,
    usage_of,
)
from transactions.selectors.readings import (
    StoredRegister,
    newest_register_of,
    readings_of,
    registers_of,
)
from transactions.selectors.stop_candidates import candidates, without_stop
from transactions.selectors.tariffs import terms_of, version_for

Kind = ReviewItem.Kind


class Reviewed(NamedTuple):
    """An item with the proposal for it; `stop` is the one that the item keeps, if it does."""

    item: ReviewItem
    stop: SessionStop | None
    proposal: Proposal


def reviewed(item: ReviewItem, at: datetime) -> Reviewed:
    """The proposal for an open item as things are at `at`."""
    stop = kept.from_json(item.raw, item.received_at)
    return Reviewed(item, stop, propose(_case(item, stop, at)))


def _case(item: ReviewItem, stop: SessionStop | None, at: datetime) -> Case:
    if item.kind in ORPHAN_KINDS or item.session is None:
        return Case(item.kind, fitting=() if stop is None else _fitting(item.station_id, stop, at))
    session = item.session
    others = session.review_items.filter(resolved_at__isnull=True).exclude(pk=item.pk).count()
    facts = _facts(session, others, at)
    if facts.is_open:
        return Case(item.kind, facts)
    return Case(
        item.kind,
        facts,
        second=_closing_by(session, stop) if stop and item.kind == Kind.CONFLICTING_STOP else None,
        priced=_priced(session) if item.kind == Kind.NOT_PRICED else None,
    )


def _fitting(station_id: int, stop: SessionStop, at: datetime) -> Sequence[tuple[Facts, Closing]]:
    sessions = {found.pk: found for found in without_stop(station_id, stop.ended_at)}
    found = []
    for candidate in candidates(sessions.values()):
        # Whose card it was is for the person to weigh: a fleet's may end each other's sessions.
        if fits(replace(stop, id_token=""), candidate):
            session = sessions[candidate.session_id]
            found.append((_facts(session, 0, at), _closing_by(session, stop)))
    return found


def _facts(session: Session, other_items: int, at: datetime) -> Facts:
    is_open = session.state in OPEN_SESSION_STATES
    energy_wh, satang = session.energy_wh, _satang(session.total_gross)
    if is_open:
        energy_wh = measure_until(session, readings_of(session), at).energy_wh
    facts = Facts(
        session_id=session.pk,
        is_open=is_open,
        is_held=session.is_held,
        has_payer=session.driver_id is not None,
        outcome=Outcome(energy_wh, satang),
        other_items=other_items,
    )
    if session.state != SessionState.ENDED or session.ended_at is None:
        return facts
    return replace(
        facts,
        last=Closing(session.ended_at, _last_register(session), facts.outcome, session.is_held),
        next_start=_by_next_start(session),
    )


def _last_register(session: Session) -> int | None:
    if session.meter_stop_wh is not None:
        return session.meter_stop_wh
    newest = newest_register_of(session)
    return None if newest is None else newest.energy_wh


def _by_next_start(session: Session) -> Closing | None:
    """The end of a session as the start of the next one on its connector tells it."""
    following = (
        Session.objects.filter(
            connector_id=session.connector_id,
            started_at__gte=session.ended_at,
            meter_start_wh__isnull=False,
        )
        .exclude(pk=session.pk)
        .order_by("started_at")
        .first()
    )
    if following is None or following.started_at is None:
        return None
    return closing(session, following.started_at, following.meter_start_wh)


def _closing_by(session: Session, stop: SessionStop) -> Closing:
    ended_at = max(stop.ended_at, session.started_at or stop.ended_at)
    return closing(
        session,
        ended_at,
        register_value(stop.meter_stop_wh),
        registers_from(stop.readings, stop.received_at),
    )


def closing(
    session: Session,
    ended_at: datetime,
    meter_stop_wh: int | None,
    registers: Sequence[StoredRegister] = (),
) -> Closing:
    """What comes of it if the session ends at `ended_at` with this register."""
    measured = measure(
        session,
        ended_at=ended_at,
        meter_stop_wh=meter_stop_wh,
        registers=[*registers_of(session), *registers],
    )
    version = _version(session)
    satang = None
    if session.is_waived:
        satang = 0
    elif version is not None:
        try:
            computed = price(terms_of(version), usage_of(session, ended_at, measured))
            satang = _satang(computed.total_gross)
        except PricingError:
            satang = None
    outcome = Outcome(measured.energy_wh, satang)
    return Closing(ended_at, meter_stop_wh, outcome, holds=bool(measured.faults))


def _priced(session: Session) -> Outcome | None:
    if session.ended_at is None:
        return None
    outcome = closing(session, session.ended_at, session.meter_stop_wh).outcome
    return None if outcome.satang is None else outcome


def _version(session: Session) -> TariffVersion | None:
    if session.tariff_version is not None or session.started_at is None:
        return session.tariff_version
    return version_for(session.connector.evse, session.started_at)


def _satang(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)
