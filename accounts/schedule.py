"""What runs when, for accounts."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "send-due-account-messages": {
        "task": "accounts.tasks.send_due_account_messages",
        "schedule": timedelta(seconds=20),
        # A run that could not start before the next one is due has nothing left to do.
        "options": {"expires": 20},
    },
    "purge-account-leftovers": {
        "task": "accounts.tasks.purge_account_leftovers",
        "schedule": timedelta(hours=6),
        "options": {"expires": 3600},
    },
    "accounts.build_due_data_exports": {
        "task": "accounts.tasks.build_due_data_exports",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "accounts.expire_data_exports": {
        "task": "accounts.tasks.expire_data_exports",
        "schedule": crontab(minute="23"),
    },
    "accounts.apply_retention": {
        "task": "accounts.tasks.apply_retention",
        "schedule": crontab(hour="2", minute="40"),
    },
    "purge-browser-sessions": {
        "task": "accounts.tasks.purge_browser_sessions",
        "schedule": crontab(hour="3", minute="50"),
    },
}
