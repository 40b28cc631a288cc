"""One session after the other, with its price if that can be computed."""

from collections.abc import Iterable
from typing import Protocol

import structlog
from django.db import transaction

from csms.common.sweeping import on_its_own
from transactions.services.pricing import PricingFailed

logger = structlog.get_logger(__name__)


class Work(Protocol):
    """Returns how many sessions it changed: 0 or 1."""

    def __call__(self, session_id: int, *, prices: bool) -> int: ...


def each_session(session_ids: Iterable[int], work: Work) -> int:
    """Do `work` for each session in a transaction of its own; returns how many changed.

    Without a price where that cannot be computed: it is made up for later. One that fails
    altogether is logged and left for the next sweep.
    """
    changed = 0
    for session_id in session_ids:
        with on_its_own("session_not_swept", session=session_id):
            changed += _priced_if_possible(session_id, work)
    return changed


def _priced_if_possible(session_id: int, work: Work) -> int:
    try:
        with transaction.atomic():
            return work(session_id, prices=True)
    except PricingFailed:
        logger.exception("session_not_priced", session=session_id)
        with transaction.atomic():
            return work(session_id, prices=False)
