"""Hints to other processes, given by a thread of their own.

A broker that is down takes seconds to say so; nobody who has just committed should wait for that.
"""

import atexit
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings

logger = structlog.get_logger(__name__)
MOST_WAITING = 10_000
FAREWELL_SECONDS = 3

Hint = tuple[Callable[[Any], None], Any]


class HintThread:
    """Calls reactions one after the other; what exceeds the bound is left to the sweepers."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Hint | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process_id = 0

    def give(self, reaction: Callable[[Any], None], event: Any) -> None:
        """Never blocks and never raises."""
        self._start()
        try:
            self._waiting.put_nowait((reaction, event))
        except queue.Full:
            logger.warning("hint_left_to_the_sweeper", event_type=type(event).__name__)

    def _start(self) -> None:
        if self._process_id == os.getpid():
            return
        with self._lock:
            # After a fork (Celery's workers) the thread is not there any more.
            if self._process_id != os.getpid():
                self._process_id = os.getpid()
                self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
                self._thread.start()
                atexit.register(self.finish)

    def _run(self) -> None:
        while (hint := self._waiting.get()) is not None:
            reaction, event = hint
            try:
                reaction(event)
            except Exception:
                logger.exception("hint_not_given", event_type=type(event).__name__)

    def finish(self) -> None:
        """Give what waits, but do not keep a process from ending for a broker that is down."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(FAREWELL_SECONDS)


_hints = HintThread()


def give_hint(reaction: Callable[[Any], None], event: Any) -> None:
    """Let `reaction(event)` run soon; at once where Celery runs its tasks in place (tests)."""
    if getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False):
        reaction(event)
    else:
        _hints.give(reaction, event)
