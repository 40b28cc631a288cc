"""Sign-ins that last: each is a family of refresh tokens, of which only the newest works.

See docs/adr/0008-tokens.md for why a token that comes a second time ends the whole family.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F

from accounts.domain.states import EndReason, MessageKind
from accounts.models import SignIn, User
from accounts.selectors.sign_ins import open_sign_in
from accounts.services import messages, sign_ins
from csms.common import audit
from csms.common.audit import SystemActor

logger = structlog.get_logger(__name__)
LIFETIME = timedelta(days=30)
MOST_DEVICES = 20


@dataclass(frozen=True, slots=True)
class Device:
    """Where a request comes from, as far as it says so."""

    address: str
    name: str = ""
    user_agent: str = ""


@transaction.atomic
def open_family(user: User, device: Device, *, at: datetime) -> SignIn:
    """Sign a driver in for 30 days at most; beyond 20 devices the one unused longest is ended."""
    opened = sign_ins.sign_in(
        user, address=device.address, expires_at=at + LIFETIME, at=at, reported=device
    )
    surplus = (
        SignIn.objects.filter(
            user=user, revoked_at=None, expires_at__gt=at, refresh_generation__isnull=False
        )
        .order_by("-last_used_at", "-pk")
        .values_list("pk", flat=True)[MOST_DEVICES:]
    )
    SignIn.objects.filter(pk__in=list(surplus)).update(revoked_at=at, end_reason=EndReason.TOO_MANY)
    return opened


def rotate(
    sign_in_id: UUID, *, user_id: int, generation: int, address: str, at: datetime
) -> SignIn | None:
    """The sign-in with its next generation; None if the token does not count (any more).

    One statement compares and swaps, so of many requests at once one succeeds. A generation that
    was used before ends the family: we cannot know which of the two holds it by right.
    """
    with transaction.atomic():
        moved = SignIn.objects.filter(
            pk=sign_in_id,
            user_id=user_id,
            refresh_generation=generation,
            revoked_at=None,
            expires_at__gt=at,
        ).update(
            refresh_generation=F("refresh_generation") + 1,
            last_used_at=at,
            remote_address=address[:64],
        )
        if moved:
            return open_sign_in(sign_in_id, user_id=user_id, at=at)
        _end_if_reused(sign_in_id, user_id, generation, at)
    return None


def _end_if_reused(sign_in_id: UUID, user_id: int, generation: int, at: datetime) -> None:
    reused = (
        SignIn.objects.select_related("user")
        .select_for_update(of=("self",), no_key=True)
        .filter(pk=sign_in_id, user_id=user_id, refresh_generation__gt=generation, revoked_at=None)
        .first()
    )
    if reused is None:
        return
    SignIn.objects.filter(pk=reused.pk).update(revoked_at=at, end_reason=EndReason.REUSED)
    audit.record(SystemActor("refresh"), "sign_in.refresh_reused", reused)
    messages.notify(reused.user, MessageKind.SIGN_IN_REUSED, at=at)
    logger.warning("refresh_reused", sign_in_id=str(sign_in_id), user_id=user_id)
