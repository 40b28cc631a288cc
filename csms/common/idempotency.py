"""`Idempotency-Key`: one effect and one answer for a request that is sent again.

The key is bound to caller, route and body, and kept for 24 hours. A request that is still being
served holds its key; if its process dies, the key is free again after a few minutes, and the
services below have keys of their own against a second effect.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from csms.common import clock
from csms.common.errors import Conflict, IdempotencyMismatch, InvalidInput
from csms.common.models import IdempotencyRecord

KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=5)
MAX_KEY_LENGTH = 255
_PURGE_SIZE = 5000


class RequestInProgress(Conflict):
    code = "request_in_progress"
    title = "A request with this Idempotency-Key is still being served"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON; `is_replay`: it was given before."""

    status_code: int
    body: Any
    is_replay: bool = False


def caller_key(caller: Any) -> str:
    """Whose keys these are: `user:<pk>` or `apikey:<pk>`, never an address."""
    return f"{type(caller).__name__.lower()}:{caller.pk}"


def run_once(
    *,
    caller: str,
    route: str,
    key: str,
    body: bytes,
    act: Callable[[], tuple[int, Any]],
) -> Answer:
    """Call `act` and keep its (status, JSON body), or give the answer that it gave before.

    An error that `act` raises frees the key: nothing was done. `IdempotencyMismatch` for another
    body, `RequestInProgress` while the first request runs. Must not run inside a transaction, so
    that the claim is seen by others at once.
    """
    found = begin(caller=caller, route=route, key=key, body=body)
    if isinstance(found, Answer):
        return found
    try:
        status_code, content = act()
    except BaseException:
        release(found)
        raise
    finish(found, status_code, content)
    return Answer(status_code, content)


def begin(*, caller: str, route: str, key: str, body: bytes) -> Answer | IdempotencyRecord:
    """Claim the key, or the answer that was kept for it; then `finish` or `release` the claim."""
    if not key or len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidInput(f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} printable characters.")
    caller, route = caller[:100], route[:200]
    digest = hashlib.sha256(body).hexdigest()
    _drop_obsolete(caller, route, key)
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(
                caller=caller, route=route, key=key, body_hash=digest
            )
    except IntegrityError:
        known = IdempotencyRecord.objects.filter(caller=caller, route=route, key=key).first()
    if known is None:
        # It was released between our insert and our look.
        raise RequestInProgress
    if known.body_hash != digest:
        raise IdempotencyMismatch
    if known.status_code is None:
        raise RequestInProgress
    return Answer(known.status_code, known.response, is_replay=True)


def finish(record: IdempotencyRecord, status_code: int, content: Any) -> None:
    IdempotencyRecord.objects.filter(pk=record.pk).update(status_code=status_code, response=content)


def release(record: IdempotencyRecord) -> None:
    IdempotencyRecord.objects.filter(pk=record.pk, status_code__isnull=True).delete()


def purge(now: datetime) -> int:
    """Delete what is older than 24 hours; returns how many."""
    old = IdempotencyRecord.objects.filter(created_at__lte=now - KEPT_FOR)
    keys = list(old.order_by("created_at").values_list("pk", flat=True)[:_PURGE_SIZE])
    return IdempotencyRecord.objects.filter(pk__in=keys).delete()[0]


def _drop_obsolete(caller: str, route: str, key: str) -> None:
    now = clock.now()
    obsolete = Q(created_at__lte=now - KEPT_FOR) | Q(
        status_code__isnull=True, created_at__lte=now - ABANDONED_AFTER
    )
    IdempotencyRecord.objects.filter(obsolete, caller=caller, route=route, key=key).delete()
