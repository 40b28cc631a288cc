"""The review queue: what a person must look at, filed once per content."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from chargepoints.domain.text import fit, storable_json
from csms.common.audit import Actor, record
from csms.common.clock import now
from csms.common.errors import Conflict
from csms.common.events import publish
from transactions.events import SessionEnded
from transactions.locks import lock_session
from transactions.models import ReviewItem, Session, SessionEvent

DETAIL_LENGTH = 1000
RESOLUTION_LENGTH = 500


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
    if items:
        ReviewItem.objects.bulk_create(items, ignore_conflicts=True)


@transaction.atomic
def resolve(item_id: int, *, actor: Actor, resolution: str, release: bool = False) -> ReviewItem:
    """Close an item; with `release` its session, held until now, is billed as it is priced.

    Raises `ReviewItem.DoesNotExist`, `Conflict` where other open items hold the session.
    """
    found = ReviewItem.objects.select_for_update(of=("self",)).get(pk=item_id)
    if found.resolved_at is None:
        found.resolved_at = now()
        found.resolved_by_id = actor.audit_user_id
        found.resolution = resolution[:RESOLUTION_LENGTH]
        found.save(update_fields=["resolved_at", "resolved_by", "resolution"])
        record(actor, "review.resolve", found, reason=resolution, changes={"release": release})
    if release and found.session_id is not None:
        _release(found.session_id, actor)
    return found


def _release(session_id: int, actor: Actor) -> None:
    session = lock_session(session_id)
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
