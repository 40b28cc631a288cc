"""All feeds of this process: read together, however many are watched, and by however many.

One look at the rows serves all sessions that are watched, another all connectors, one all boards.
They cost the database the same whether chargers send much or little, and nothing while nobody
watches.
"""

import asyncio
from collections.abc import Callable, Collection, Hashable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from accounts.models import User
from accounts.selectors.sign_ins import open_sign_ins
from csms.common import clock
from csms.console.audience import Audience, audience_for
from csms.live.feeds import SIGNED_OUT, Feed, Watcher
from csms.live.readers import BOARD, SESSION, BoardReader, ConnectorReader, SessionReader
from csms.live.revisions import Revision, revise
from csms.live.threads import in_threads

logger = structlog.get_logger(__name__)
INTERVAL_SECONDS = 0.5
BOARD_INTERVAL_SECONDS = 1.0
RECHECK_SECONDS = 5.0
# Whatever it costs, looking takes at most a third of the time.
_REST_FACTOR = 2.0
MOST_SOCKETS_OF_A_USER = 20
in_live_thread = in_threads("live", 3)


def _look(
    reader: Any, shown: Mapping[Hashable, Revision | None], at: datetime
) -> dict[Hashable, Revision | None]:
    """The new revisions of feeds that show these; None: it is gone. What is as it was is left out.

    In a thread: a large board takes a good part of a second to read, compare and digest.
    """
    new = {key for key, revision in shown.items() if revision is None}
    found: dict[Hashable, Revision | None] = {}
    for key, parts in reader.read(set(shown), new, at).items():
        if parts is None:
            found[key] = None
        elif (revision := revise(shown[key], parts)) is not None:
            found[key] = revision
    return found


class Lane:
    """Feeds that are read together, by one reader, as long as there are any.

    Each task has a reader of its own: one that is cancelled leaves its thread reading to the end.
    """

    def __init__(self, make_reader: Callable[[], Any], interval: Callable[[], float]) -> None:
        self._make_reader = make_reader
        self._interval = interval
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.feeds: dict[Hashable, Feed] = {}

    def add(self, key: Hashable, feed: Feed) -> None:
        self.feeds[key] = feed
        self._wake.set()
        if self._task is None:
            look = in_live_thread(partial(_look, self._make_reader()))
            self._task = asyncio.create_task(self._run(look), name="live-lane")

    def remove(self, key: Hashable) -> None:
        self.feeds.pop(key, None)
        if not self.feeds and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, look: Callable[..., Any]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            began = loop.time()
            try:
                await self._look(look)
            except Exception:
                # The database may be away for a moment: watchers keep the last state, and the
                # next look finds what changed.
                logger.exception("live_feeds_not_read", feeds=len(self.feeds))
            took = loop.time() - began
            try:
                async with asyncio.timeout(max(self._interval(), took * _REST_FACTOR)):
                    await self._wake.wait()
                # Whoever comes at the same time is served by the same look.
                await asyncio.sleep(min(took, self._interval()))
            except TimeoutError:
                pass

    async def _look(self, look: Callable[..., Any]) -> None:
        feeds = dict(self.feeds)
        shown = {key: feed.revision for key, feed in feeds.items()}
        for key, revision in (await look(shown, clock.now())).items():
            if revision is None:
                feeds[key].end()
            else:
                feeds[key].show(revision)


class Hub:
    """The feeds of one event loop."""

    def __init__(self) -> None:
        self._sessions = Lane(SessionReader, lambda: INTERVAL_SECONDS)
        self._connectors = Lane(ConnectorReader, lambda: INTERVAL_SECONDS)
        self._boards = Lane(BoardReader, lambda: BOARD_INTERVAL_SECONDS)
        self._watchers: set[Watcher] = set()
        self._rechecking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(len(lane.feeds) for lane in (self._sessions, self._connectors, self._boards))

    def is_full_for(self, user_id: int) -> bool:
        own = sum(watcher.user_id == user_id for watcher in self._watchers)
        return own >= MOST_SOCKETS_OF_A_USER

    def watch(self, name: str, watcher: Watcher) -> Feed:
        lane, key = self._place(name, watcher)
        feed = lane.feeds.get(key)
        if feed is None or feed.is_gone:
            feed = Feed(name, is_list=lane is self._boards)
            lane.add(key, feed)
        feed.add(watcher)
        self._watchers.add(watcher)
        if self._rechecking is None:
            self._rechecking = asyncio.create_task(self._recheck(), name="live-recheck")
        return feed

    def unwatch(self, feed: Feed, watcher: Watcher) -> None:
        feed.watchers.discard(watcher)
        self._watchers.discard(watcher)
        lane, key = self._place(feed.name, watcher)
        if not feed.watchers and lane.feeds.get(key) is feed:
            lane.remove(key)
        if not self._watchers and self._rechecking is not None:
            self._rechecking.cancel()
            self._rechecking = None

    def _place(self, name: str, watcher: Watcher) -> tuple[Lane, Hashable]:
        kind = name.partition(":")[0]
        if kind == SESSION:
            return self._sessions, name
        if kind == BOARD:
            return self._boards, watcher.audience
        return self._connectors, name

    async def _recheck(self) -> None:
        """Close what may not be seen any more: a sign-out must not leave a feed open."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            watchers = list(self._watchers)
            try:
                allowed = await in_live_thread(audiences)({w.sign_in_id for w in watchers})
            except Exception:
                logger.exception("live_feeds_not_rechecked", sockets=len(watchers))
                continue
            for watcher in watchers:
                is_same = allowed.get(watcher.sign_in_id, ()) == watcher.audience
                if watcher.sign_in_id not in allowed or not is_same:
                    watcher.close(SIGNED_OUT)


def audiences(sign_in_ids: Collection[UUID]) -> dict[UUID, Audience | None]:
    """Whose rows each of the sign-ins that are still open sees; None for drivers."""
    found = open_sign_ins(sign_in_ids, clock.now())
    by_user: dict[int, Audience | None] = {}
    for sign_in in found.values():
        if sign_in.user_id not in by_user:
            by_user[sign_in.user_id] = audience_of(sign_in.user)
    return {key: by_user[sign_in.user_id] for key, sign_in in found.items()}


def audience_of(user: User) -> Audience | None:
    return audience_for(user) if user.is_staff else None


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def current() -> Hub:
    """The hub of this event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for closed in [known for known in _hubs if known.is_closed()]:
            del _hubs[closed]
        _hubs[loop] = Hub()
    return _hubs[loop]
