"""When the jobs about sessions run."""

from typing import Any

from celery.schedules import crontab

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "transactions.price_due": {"task": "transactions.tasks.price_due", "schedule": 60.0},
    "transactions.price_reviewed": {
        "task": "transactions.tasks.price_reviewed",
        "schedule": crontab(minute="17"),
    },
    "transactions.settle_interrupted": {
        "task": "transactions.tasks.settle_interrupted",
        "schedule": 60.0,
    },
    "transactions.end_crossed": {"task": "transactions.tasks.end_crossed", "schedule": 60.0},
    "transactions.alert_silent": {"task": "transactions.tasks.alert_silent", "schedule": 60.0},
    "transactions.record_unplugged": {
        "task": "transactions.tasks.record_unplugged",
        "schedule": 60.0,
    },
    "transactions.close_unstarted": {
        "task": "transactions.tasks.close_unstarted",
        "schedule": 15.0,
    },
    "transactions.end_reservations": {
        "task": "transactions.tasks.end_reservations",
        "schedule": 15.0,
    },
    "transactions.clear_ended_limits": {
        "task": "transactions.tasks.clear_ended_limits",
        "schedule": 60.0,
    },
    "transactions.create_reading_partitions": {
        "task": "transactions.tasks.create_reading_partitions",
        "schedule": crontab(hour="3", minute="10"),
    },
    "transactions.delete_old_readings": {
        "task": "transactions.tasks.delete_old_readings",
        "schedule": crontab(hour="3", minute="40"),
    },
}
