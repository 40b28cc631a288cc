"""What runs when, for stations, commands and alerts."""

from datetime import timedelta
from typing import Any

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "expire-due-commands": {
        "task": "chargepoints.tasks.expire_due_commands",
        "schedule": timedelta(seconds=15),
        # A run that could not start before the next one is due has nothing left to do.
        "options": {"expires": 15},
    },
    "sign-left-behind-certificates": {
        "task": "chargepoints.tasks.sign_left_behind_certificates",
        "schedule": timedelta(seconds=60),
        "options": {"expires": 60},
    },
    "tell-of-due-alerts": {
        "task": "chargepoints.tasks.tell_of_due_alerts",
        "schedule": timedelta(seconds=60),
        "options": {"expires": 60},
    },
}
