"""One session after the other, in which none holds up the next."""

from collections.abc import Iterable
from typing import Protocol

import structlog
from django.db import InterfaceError, OperationalError, transaction

from transactions.services.pricing import PricingFailed

logger = structlog.get_logger(__name__)


class Work(Protocol):
    """Returns how many sessions it changed: 0 or 1."""

    def __call__(self, session_id: int, *, prices: bool) -> int: ...


def each_session(session_ids: Iterable[int], work: Work) -> int:
    """Do `work` for each session in a transaction of its own; returns how many changed.

    Without a price where that cannot be computed: the price is made up for later. One that fails
    altogether is logged and left for the next sweep. Raises only what says that the database is
    away.
    """
    changed = 0
    for session_id in session_ids:
        try:
            changed += _priced_if_possible(session_id, work)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # Else one bad row would keep all later ones from being looked at, for ever.
            logger.exception("session_not_swept", session=session_id)
    return changed


def _priced_if_possible(session_id: int, work: Work) -> int:
    try:
        with transaction.atomic():
            return work(session_id, prices=True)
    except PricingFailed:
        logger.exception("session_not_priced", session=session_id)
        with transaction.atomic():
            return work(session_id, prices=False)
