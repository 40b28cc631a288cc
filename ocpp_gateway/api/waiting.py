"""Holding a request until a command is final, without holding anything that others need.

Django gives every request under ASGI a thread of its own, so a waiting one keeps nobody out; the
database connection goes back to the pool between two looks, and the number of waiters is bounded.
The row is asked, not a message: it is the truth in whichever process the charger's socket is.
"""

import threading
import time
from uuid import UUID

from django.db import connection

from chargepoints.domain.states import SETTLED_COMMAND_STATUSES
from chargepoints.selectors.commands import status_of

MAX_SECONDS = 30
MOST_WAITING = 50
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5

_slots = threading.BoundedSemaphore(MOST_WAITING)


def wait_until_settled(command_id: UUID, seconds: float) -> None:
    """Return when the command is final or after `seconds`; at once if too many wait already."""
    if seconds <= 0 or not _slots.acquire(blocking=False):
        return
    try:
        _watch(command_id, time.monotonic() + min(seconds, MAX_SECONDS))
    finally:
        _slots.release()


def _watch(command_id: UUID, deadline: float) -> None:
    pause = FIRST_PAUSE_SECONDS
    while status_of(command_id) not in SETTLED_COMMAND_STATUSES:
        left = deadline - time.monotonic()
        if left <= 0:
            return
        if not connection.in_atomic_block:
            connection.close()
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
