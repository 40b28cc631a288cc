"""One row after the other, in which none holds up the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError

logger = structlog.get_logger(__name__)
# What is not the row's fault: the database is away or busy, or the job's time is over.
ENDS_THE_SWEEP: Final = (OperationalError, InterfaceError, SoftTimeLimitExceeded)


@contextmanager
def on_its_own(failure: str, **row: object) -> Iterator[None]:
    """Log what goes wrong with this row as `failure`, and let the sweep go on with the next.

    Else one bad row would keep all later ones from being looked at, at every run. Raises
    `ENDS_THE_SWEEP`.
    """
    try:
        yield
    except ENDS_THE_SWEEP:
        raise
    except Exception:
        logger.exception(failure, **row)
