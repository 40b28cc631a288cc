"""One reader per page and audience, however many people watch it.

A feed is re-read every second while somebody watches and handed on only when it changed. Nothing
here is truth: a watcher that reconnects gets the whole state again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable

import structlog

logger = structlog.get_logger(__name__)

INTERVAL_SECONDS = 1.0
Read = Callable[[], Awaitable[bytes]]


class Feed:
    """The watchers of one page; runs from the first to the last of them."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.latest: bytes | None = None
        self.watchers: set[asyncio.Queue[bytes]] = set()
        self.task: asyncio.Task[None] | None = None

    def add(self) -> "asyncio.Queue[bytes]":
        # One place: a slow watcher misses states in between, never the newest.
        queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
        self.watchers.add(queue)
        if self.latest is not None:
            queue.put_nowait(self.latest)
        if self.task is None:
            self.task = asyncio.create_task(self._run())
        return queue

    async def _run(self) -> None:
        while True:
            try:
                await self._refresh()
            except Exception:
                # The database may be away for a moment: the watchers keep the last state and the
                # next second tries again.
                logger.exception("console_feed_not_read")
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _refresh(self) -> None:
        state = await self.read()
        if state == self.latest:
            return
        self.latest = state
        for queue in self.watchers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(state)


class Broadcaster:
    """All feeds of this process, by what they show and to whom."""

    def __init__(self) -> None:
        self._feeds: dict[Hashable, Feed] = {}

    def watch(self, key: Hashable, read: Read) -> "asyncio.Queue[bytes]":
        # A feed belongs to the event loop that runs it.
        key = (asyncio.get_running_loop(), key)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(read)
        return feed.add()

    def unwatch(self, key: Hashable, queue: "asyncio.Queue[bytes]") -> None:
        key = (asyncio.get_running_loop(), key)
        feed = self._feeds.get(key)
        if feed is None:
            return
        feed.watchers.discard(queue)
        if not feed.watchers:
            del self._feeds[key]
            if feed.task is not None:
                feed.task.cancel()

    def __len__(self) -> int:
        return len(self._feeds)


broadcaster = Broadcaster()
