"""Upkeep of the shared kernel's own rows."""

from celery import shared_task

from csms.common import clock, idempotency, tickets


@shared_task
def purge_idempotency_records() -> int:
    return idempotency.purge(clock.now())


@shared_task
def purge_live_tickets() -> int:
    return tickets.purge(clock.now())
