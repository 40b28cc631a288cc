"""The nightly clean-up: each kind of data goes when its time is over, and a row says so."""

import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings

from accounts.models import RetentionRun
from csms.common import clock
from csms.common.personal_data import retention_rules

logger = structlog.get_logger(__name__)
BATCH = 1_000
# Well below the time after which a job is killed; what is left is for the next one.
MOST_SECONDS = 180.0


def apply_rule(kind: str, at: datetime) -> RetentionRun:
    """Remove what of one kind is older than its setting allows, batch by batch.

    The run that it returns is not complete if the time was too short. An error is written into
    the run and raised.
    """
    rule = retention_rules()[kind]
    days = int(getattr(settings, rule.setting))
    limit = at - timedelta(days=days)
    run = RetentionRun.objects.create(kind=kind, days=days, limit=limit, started_at=at)
    ends = time.monotonic() + MOST_SECONDS
    try:
        while not run.is_complete and time.monotonic() < ends:
            removed = rule.apply(limit, BATCH)
            run.removed += removed
            run.is_complete = removed == 0
    except Exception as error:
        run.error = type(error).__name__
        raise
    finally:
        run.finished_at = clock.now()
        run.save()
        logger.info("retention", kind=kind, removed=run.removed, complete=run.is_complete)
    return run
