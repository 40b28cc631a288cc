"""Prices of sessions: the version in effect when the session started prices all of it."""

from datetime import datetime

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from csms.common.events import publish
from csms.common.rows import insert
from csms.common.sweeping import ENDS_THE_SWEEP, on_its_own
from transactions.domain.energy import Delivered
from transactions.domain.pricing import NO_PRICE, Price, price
from transactions.domain.states import SessionState
from transactions.events import SessionEnded, SessionPriceChanged
from transactions.locks import lock_session
from transactions.models import CostLine, ReviewItem, Session, SessionEvent
from transactions.selectors.metering import measure_ended, usage_of
from transactions.selectors.tariffs import terms_of, version_for
from transactions.services.reviewing import content_key, file, item

logger = structlog.get_logger(__name__)
PRICE_FIELDS = (
    "tariff_version",
    "priced_at",
    "currency",
    "total_net",
    "total_tax",
    "total_gross",
)
DUE_LIMIT = 1_000


class PricingFailed(Exception):
    """A session's price could not be computed for a reason that is not in its data."""


def store_price(session: Session, measured: Delivered, at: datetime) -> bool:
    """Compute and write the cost lines, none if it is waived; the caller saves PRICE_FIELDS.

    The caller holds the lock. False, with a review item, where no tariff applies. Raises
    `PricingFailed` on anything unexpected; the caller's transaction must then roll back.
    """
    try:
        if session.is_waived:
            _write(session, NO_PRICE, at)
            return True
        if session.tariff_version is None:
            session.tariff_version = version_for(session.connector.evse, _start_of(session))
        if session.tariff_version is None:
            file([_not_priced(session, at, "No tariff applies.")])
            return False
        usage = usage_of(session, session.ended_at, measured)
        _write(session, price(terms_of(session.tariff_version), usage), at)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        raise PricingFailed(f"session {session.pk}") from error
    return True


def _start_of(session: Session) -> datetime:
    if session.started_at is None:
        raise ValueError("The session never started.")
    return session.started_at


def _write(session: Session, computed: Price, at: datetime) -> None:
    if session.priced_at is not None:
        session.cost_lines.all().delete()
    lines = [
        CostLine(
            session=session,
            position=position,
            kind=line.kind.value,
            name=line.name,
            starts_at=line.starts_at,
            ends_at=line.ends_at,
            quantity=line.quantity,
            unit=line.unit,
            unit_price=line.unit_price,
            net=line.net,
            tax=line.tax,
            gross=line.gross,
        )
        for position, line in enumerate(computed.lines, start=1)
    ]
    insert(lines)
    session.priced_at = at
    session.total_net = computed.total_net
    session.total_tax = computed.total_tax
    session.total_gross = computed.total_gross


def _not_priced(session: Session, at: datetime, detail: str) -> ReviewItem:
    return item(
        ReviewItem.Kind.NOT_PRICED,
        station_id=session.station_id,
        session=session,
        key=content_key(session.pk),
        received_at=at,
        detail=detail,
    )


def price_session(session_id: int) -> bool:
    """Price an ended session that has no price yet; True if it has one now.

    Raises `Session.DoesNotExist`, `PricingFailed`.
    """
    with transaction.atomic():
        session = lock_session(session_id)
        if session.state != SessionState.ENDED:
            return False
        if session.priced_at is not None:
            return True
        at = timezone.now()
        if not store_price(session, measure_ended(session), at):
            return False
        session.save(update_fields=PRICE_FIELDS)
        SessionEvent.objects.create(session=session, at=at, kind="priced")
        session.review_items.filter(
            kind=ReviewItem.Kind.NOT_PRICED, resolved_at__isnull=True
        ).update(resolved_at=at, resolution="Priced.")
        publish(SessionEnded(session.pk))
        return True


def reprice(session: Session, at: datetime) -> bool:
    """Compute the price of a locked, ended session anew; True if its total changed."""
    before = session.total_gross
    if not store_price(session, measure_ended(session), at):
        return False
    session.save(update_fields=PRICE_FIELDS)
    if session.total_gross == before:
        return False
    SessionEvent.objects.create(
        session=session,
        at=at,
        kind="repriced",
        detail={"before": str(before), "after": str(session.total_gross)},
    )
    publish(SessionPriceChanged(session.pk))
    return True


def waive(session: Session, at: datetime) -> None:
    """Let a locked, ended session cost nothing from now on; the caller tells and saves no more.

    Raises `PricingFailed`.
    """
    session.is_waived = True
    store_price(session, measure_ended(session), at)
    session.save(update_fields=["is_waived", *PRICE_FIELDS])
    SessionEvent.objects.create(session=session, at=at, kind="waived")


def price_due(now: datetime, *, also_reviewed: bool = False) -> int:
    """Price what ended and has no price; returns how many have one now.

    Sessions that wait in the review queue are tried again only with `also_reviewed`: somebody may
    have assigned a tariff since. One that fails goes to the queue and does not keep up the rest.
    """
    due = Session.objects.filter(
        state=SessionState.ENDED, priced_at__isnull=True, ended_at__lte=now
    )
    if not also_reviewed:
        due = due.exclude(
            review_items__kind=ReviewItem.Kind.NOT_PRICED, review_items__resolved_at__isnull=True
        )
    priced = 0
    for session in due.order_by("ended_at").only("pk", "station_id")[:DUE_LIMIT]:
        with on_its_own("session_not_priced", session=session.pk):
            priced += _price_or_file(session, now)
    return priced


def _price_or_file(session: Session, now: datetime) -> bool:
    try:
        return price_session(session.pk)
    except ENDS_THE_SWEEP:
        raise
    except Exception as failure:
        if isinstance(failure.__cause__, ENDS_THE_SWEEP):
            raise failure.__cause__ from None
        logger.exception("session_not_priced", session=session.pk)
        file([_not_priced(session, now, "The price could not be computed.")])
        return False
