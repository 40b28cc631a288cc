"""One-time tickets for WebSockets: a browser cannot send a token with the upgrade.

A ticket stands in an address, which others may see or keep: it opens one feed, once, within a
minute, and the table holds only its hash.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from csms.common.models import LiveTicket

LIFETIME = timedelta(seconds=60)
TICKET_BYTES = 32
LONGEST_TICKET = 100
_PURGE_SIZE = 5000


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may watch what. `feed` is a name that `csms.live` understands."""

    user_id: int
    sign_in_id: UUID
    feed: str


def issue(admission: Admission, at: datetime) -> str:
    """A new ticket for what `admission` says; whoever issues it has checked that it may be."""
    ticket = secrets.token_urlsafe(TICKET_BYTES)
    LiveTicket.objects.create(
        digest=_digest(ticket),
        user_id=admission.user_id,
        sign_in_id=admission.sign_in_id,
        feed=admission.feed,
        expires_at=at + LIFETIME,
    )
    return ticket


def redeem(ticket: str, at: datetime) -> Admission | None:
    """Use the ticket up; None if it is unknown, used or expired. Of several at once one wins."""
    if not 0 < len(ticket) <= LONGEST_TICKET:
        return None
    row = LiveTicket.objects.filter(digest=_digest(ticket)).first()
    if row is None:
        return None
    deleted, _per_model = LiveTicket.objects.filter(digest=row.digest).delete()
    if not deleted or row.expires_at <= at:
        return None
    return Admission(row.user_id, row.sign_in_id, row.feed)


def purge(now: datetime) -> int:
    """Delete what nobody came with in time; returns how many."""
    old = LiveTicket.objects.filter(expires_at__lte=now).values_list("pk", flat=True)
    return LiveTicket.objects.filter(pk__in=list(old[:_PURGE_SIZE])).delete()[0]


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
