"""Upkeep of the shared kernel's own rows."""

from celery import shared_task

from csms.common import clock, idempotency


@shared_task
def purge_idempotency_records() -> int:
    return idempotency.purge(clock.now())
