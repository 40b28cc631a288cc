"""The review queue: what a person must look at, filed once per content."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from chargepoints.domain.text import fit, storable_json
from chargepoints.models import Alert
from chargepoints.services.alerts import Occurrence, raise_alerts
from csms.common.audit import Actor, record
from csms.common.clock import now
from csms.common.errors import Conflict
from csms.common.events import publish
from transactions.events import SessionEnded
from transactions.locks import lock_session
from transactions.models import ReviewItem, Session, SessionEvent

DETAIL_LENGTH = 1000
RESOLUTION_LENGTH = 500
# Stops for which the books hold no session that they would end.
_ALERTED = frozenset(
    {
        ReviewItem.Kind.ORPHAN_STOP,
        ReviewItem.Kind.FOREIGN_TRANSACTION,
        ReviewItem.Kind.CONFLICTING_STOP,
    }
)


def content_key(*parts: object) -> str:
    """What makes two reports of a charger the same."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def item(
    kind: ReviewItem.Kind,
    *,
    station_id: int,
    key: str,
    received_at: datetime,
    session: Session | None = None,
    detail: str = "",
    raw: dict[str, Any] | None = None,
) -> ReviewItem:
    """An unsaved item; `file` writes it."""
    return ReviewItem(
        kind=kind,
        station_id=station_id,
        session=session,
        content_key=key,
        detail=fit(detail, DETAIL_LENGTH),
        raw=storable_json(raw or {}),
        received_at=received_at,
    )


def file(items: Sequence[ReviewItem]) -> None:
    """Write the items that are not there yet; a charger that repeats itself adds nothing."""
    if not items:
        return
    new = [one for one in items if one.kind in _ALERTED and not _is_filed(one)]
    ReviewItem.objects.bulk_create(items, ignore_conflicts=True)
    raise_alerts(
        Occurrence(
            one.station_id,
            Alert.Kind.ODD_STOP,
            f"{ReviewItem.Kind(one.kind).value}, {one.detail}",
            one.received_at,
        )
        for one in new
    )


def _is_filed(one: ReviewItem) -> bool:
    return ReviewItem.objects.filter(
        station_id=one.station_id, kind=one.kind, content_key=one.content_key
    ).exists()


@transaction.atomic
def resolve(item_id: int, *, actor: Actor, resolution: str, release: bool = False) -> ReviewItem:
    """Close an item by hand; with `release` its session, held until now, is billed as priced.

    Raises `ReviewItem.DoesNotExist`, `Conflict` where other open items hold the session.
    """
    # Sessions are locked before items, here as where a charger's message ends one.
    session_id = ReviewItem.objects.values_list("session_id", flat=True).get(pk=item_id)
    session = lock_session(session_id) if release and session_id is not None else None
    found = ReviewItem.objects.select_for_update(of=("self",)).get(pk=item_id)
    if found.resolved_at is None:
        close(found, actor, resolution)
        record(actor, "review.resolve", found, reason=resolution, changes={"release": release})
    if session is not None:
        end_hold(session, actor)
    return found


def close(item: ReviewItem, actor: Actor, resolution: str) -> None:
    """Mark a locked, open item as resolved."""
    item.resolved_at = now()
    item.resolved_by_id = actor.audit_user_id
    item.resolution = resolution[:RESOLUTION_LENGTH]
    item.save(update_fields=["resolved_at", "resolved_by", "resolution"])


def end_hold(session: Session, actor: Actor) -> None:
    """Bill a locked session that was held until now; nothing if it is not held.

    Raises `Conflict` where open items hold it.
    """
    if not session.is_held:
        return
    if session.review_items.filter(resolved_at__isnull=True).exists():
        raise Conflict("The session has other open review items.")
    session.is_held = False
    session.save(update_fields=["is_held"])
    SessionEvent.objects.create(
        session=session, at=now(), kind="released", detail={"by": actor.audit_label}
    )
    publish(SessionEnded(session.pk))
