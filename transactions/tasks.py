"""Jobs about sessions: each finds its work in the rows, so that a lost message costs only time."""

from celery import shared_task

from csms.common.clock import now
from transactions.services import (
    driver_sessions,
    interrupt,
    late_readings,
    limits,
    orphans,
    pricing,
    reserving,
    retention,
    silence,
    unplugged,
)


@shared_task
def price_session(session_id: int) -> None:
    pricing.price_session(session_id)


@shared_task
def price_due() -> None:
    pricing.price_due(now())


@shared_task
def price_reviewed() -> None:
    """Also those in the review queue: a tariff may have been assigned since."""
    pricing.price_due(now(), also_reviewed=True)


@shared_task
def settle_interrupted() -> None:
    interrupt.settle_interrupted(now())
    late_readings.extend_inferred(now())
    interrupt.give_up_lost(now())


@shared_task
def end_crossed() -> None:
    orphans.end_crossed(now())


@shared_task
def record_unplugged() -> None:
    unplugged.record_unplugged(now())


@shared_task
def create_reading_partitions() -> None:
    retention.create_reading_partitions(now())


@shared_task
def delete_old_readings() -> None:
    retention.delete_old_readings(now())


@shared_task
def close_unstarted() -> None:
    driver_sessions.close_due(now())


@shared_task
def end_reservations() -> None:
    reserving.end_due(now())


@shared_task
def clear_ended_limits() -> None:
    limits.clear_ended(now())


@shared_task
def alert_silent() -> None:
    silence.alert_silent(now())
