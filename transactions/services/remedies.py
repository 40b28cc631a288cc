"""Doing what the review queue proposes: once, and only what the person has seen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from csms.common.audit import Actor, record
from csms.common.clock import now
from csms.common.errors import Conflict
from csms.common.events import publish
from transactions.domain.proposals import Proposal, Remedy
from transactions.domain.states import EndReason
from transactions.events import SessionEnded
from transactions.locks import lock_session
from transactions.models import ReviewItem, Session, SessionEvent
from transactions.selectors.review_cases import Reviewed, reviewed
from transactions.services.ending import Ending, end
from transactions.services.pricing import PricingFailed, price_session, waive
from transactions.services.reviewing import close, content_key, end_hold
from transactions.services.stops import end_by_stop, is_waiting, note_match


def mark_of(proposal: Proposal) -> str:
    """What a person confirms: another proposal has another mark."""
    return content_key(proposal)


def apply_proposal(item_id: int, *, actor: Actor, mark: str) -> ReviewItem:
    """Do what is proposed for the item, and resolve it; a resolved one is left as it is.

    Raises `ReviewItem.DoesNotExist`, and `Conflict` where the proposal is not the one that `mark`
    was made of, cannot be applied yet, or cannot be priced.
    """
    try:
        with transaction.atomic():
            return _apply(item_id, actor, mark)
    except PricingFailed as error:
        raise Conflict("The price could not be computed.") from error


def _apply(item_id: int, actor: Actor, mark: str) -> ReviewItem:
    at = now()
    seen = _find(item_id)
    if seen.resolved_at is not None:
        return seen
    # Sessions are locked before items, here as where a charger's message ends one.
    session_id = reviewed(seen, at).proposal.session_id or seen.session_id
    session = None if session_id is None else lock_session(session_id)
    item = ReviewItem.objects.select_for_update(of=("self",)).get(pk=item_id)
    if item.resolved_at is not None:
        return item
    found = reviewed(_find(item_id), at)
    proposal = found.proposal
    if mark_of(proposal) != mark:
        raise Conflict("The proposal has changed meanwhile. Look at it again.")
    if not proposal.can_be_applied:
        raise Conflict("There is nothing to apply yet.")
    close(item, actor, f"{proposal.remedy.value}: {proposal.why.value}")
    if session is not None and proposal.session_id == session.pk:
        _REMEDIES[proposal.remedy](session, found, actor, at)
        _note(session, item, proposal, actor, at)
    record(actor, "review.apply", item, changes=_changes(proposal))
    return item


def _find(item_id: int) -> ReviewItem:
    return ReviewItem.objects.select_related(
        "session__connector__evse__station__site", "session__tariff_version"
    ).get(pk=item_id)


def _changes(proposal: Proposal) -> dict[str, object]:
    return {
        "remedy": proposal.remedy.value,
        "why": proposal.why.value,
        "session": proposal.session_id,
        "energy_wh": [proposal.before.energy_wh, proposal.after.energy_wh],
        "satang": [proposal.before.satang, proposal.after.satang],
    }


def _note(
    session: Session, item: ReviewItem, proposal: Proposal, actor: Actor, at: datetime
) -> None:
    SessionEvent.objects.create(
        session=session,
        at=at,
        kind="reviewed",
        detail={"item": item.pk, "by": actor.audit_label, **_changes(proposal)},
    )


def _has_open_items(session: Session) -> bool:
    return session.review_items.filter(resolved_at__isnull=True).exists()


def _keep(_session: Session, _found: Reviewed, _actor: Actor, _at: datetime) -> None:
    """Nothing changes but that the item is resolved."""


def _bill(session: Session, _found: Reviewed, actor: Actor, _at: datetime) -> None:
    end_hold(session, actor)


def _no_bill(session: Session, _found: Reviewed, actor: Actor, at: datetime) -> None:
    waive(session, at)
    if session.is_held and not _has_open_items(session):
        end_hold(session, actor)
    else:
        publish(SessionEnded(session.pk))


def _attach(session: Session, found: Reviewed, _actor: Actor, at: datetime) -> None:
    if found.stop is None or not is_waiting(session):
        raise Conflict("The session has another stop by now.")
    note_match(session, found.stop, at)
    # What the stop itself was flagged for, if anything, comes to the queue as its own item.
    end_by_stop(session, replace(found.stop, received_at=at), prices=True)
    ReviewItem.objects.filter(pk=found.item.pk).update(session=session)


def _close(session: Session, found: Reviewed, _actor: Actor, at: datetime) -> None:
    closing = found.proposal.closing
    if closing is None:
        raise Conflict("There is no other end for the session.")
    ending = Ending(
        ended_at=closing.ended_at,
        received_at=at,
        reason=EndReason.MANUAL,
        meter_stop_wh=closing.meter_stop_wh,
        charger_ended_at=session.charger_ended_at,
        holds=session.is_held and _has_open_items(session),
    )
    end(session, ending)


def _price(session: Session, _found: Reviewed, _actor: Actor, _at: datetime) -> None:
    if not price_session(session.pk):
        raise Conflict("No tariff applies to the session.")


_REMEDIES: dict[Remedy, Callable[[Session, Reviewed, Actor, datetime], None]] = {
    Remedy.KEEP: _keep,
    Remedy.BILL: _bill,
    Remedy.NO_BILL: _no_bill,
    Remedy.ATTACH: _attach,
    Remedy.CLOSE: _close,
    Remedy.PRICE: _price,
}
