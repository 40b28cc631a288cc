"""What runs when, for the shared kernel."""

from datetime import timedelta
from typing import Any

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "purge-idempotency-records": {
        "task": "csms.common.tasks.purge_idempotency_records",
        "schedule": timedelta(hours=1),
    },
    "purge-live-tickets": {
        "task": "csms.common.tasks.purge_live_tickets",
        "schedule": timedelta(minutes=10),
    },
}
