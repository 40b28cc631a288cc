"""Feeds that are read together: by one thread at a time."""

import asyncio
import threading
from queue import Queue
from typing import Any

from csms.live.feeds import Feed
from csms.live.hub import Lane


class SlowReader:
    """Reads until it is let go, and knows whether it was asked meanwhile."""

    def __init__(self, begun: "Queue[SlowReader]", go_on: threading.Event) -> None:
        self._begun, self._go_on = begun, go_on
        self._lock = threading.Lock()
        self.overlapped = False

    def read(self, *_arguments: Any) -> dict[str, Any]:
        if not self._lock.acquire(blocking=False):
            self.overlapped = True
            self._begun.put(self)
            return {}
        try:
            self._begun.put(self)
            self._go_on.wait(10)
            return {}
        finally:
            self._lock.release()


async def test_a_feed_that_comes_back_at_once_does_not_share_a_reader_with_the_last_thread() -> (
    None
):
    begun: Queue[SlowReader] = Queue()
    readers: list[SlowReader] = []
    go_on = threading.Event()
    lane = Lane(lambda: SlowReader(begun, go_on), lambda: 0.01)
    try:
        for _time in range(2):
            lane.add("it", Feed("session:x"))
            readers.append(await asyncio.to_thread(begun.get, timeout=10))
            lane.remove("it")
    finally:
        go_on.set()
    assert not any(reader.overlapped for reader in readers)
