"""Thin Celery tasks of the gateway: the due work stands in rows, a task only looks."""

from celery import shared_task

from csms.common.clock import now
from ocpp_gateway.services import archive, leases


@shared_task
def expire_messages() -> int:
    return archive.expire_messages(now())


@shared_task
def make_partitions() -> None:
    archive.make_partitions(now())


@shared_task
def release_dead_nodes() -> int:
    """Stations of a process that died go offline; what was in flight there has no answer."""
    return leases.release_dead_nodes(now())
