"""One feed: the state of what is watched, and what each of its watchers has not been sent yet.

Watchers have no queue. Each is sent what is newer than what it was sent last, taken at the moment
when it can be sent: a slow client misses states in between, never the newest.
"""

import asyncio
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from csms.console.audience import Audience
from csms.live.events import EventId, read_id
from csms.live.revisions import Revision

SIGNED_OUT: Final = 4401
GONE: Final = 4404
# How many of its own ids a feed knows as moments that a client can resume from.
_REMEMBERED = 1_000
# What a list has to say beyond it comes in further messages: clients' libraries take 1 MiB at most
# unless told otherwise, and what is sent in one piece holds up everybody else for as long.
LARGEST_MESSAGE_BYTES = 256_000
# Those that watch a list are at a few places of it; who is slow may be anywhere.
_MOST_TEXTS = 100


class Watcher:
    """A socket that watches a feed. `news` is set when there may be something to send."""

    def __init__(self, user_id: int, sign_in_id: UUID, audience: Audience | None) -> None:
        self.user_id = user_id
        self.sign_in_id = sign_in_id
        # Whose rows the caller saw when the feed was opened; None where it is not about scope.
        self.audience = audience
        self.news = asyncio.Event()
        self.close_code: int | None = None
        # The state that was sent, once all of it was; the number of the latest change that was.
        self.sent: EventId | None = None
        self.seen: int | None = None
        self.last_event_id = ""

    def resume(self, last_event_id: str) -> None:
        """The client says what it had; what it has been sent since it came counts more."""
        self.last_event_id = last_event_id
        self.news.set()

    def close(self, code: int) -> None:
        if self.close_code is None:
            self.close_code = code
        self.news.set()


class _Message(NamedTuple):
    text: str
    # That of the last change in it.
    number: int


class Feed:
    """Shows a revision after the other. A feed of one thing has one part.

    `is_list`: the parts are the rows of a list, of which only the changed ones are sent.
    """

    def __init__(self, name: str, *, is_list: bool = False) -> None:
        self.name = name
        self.is_list = is_list
        self.watchers: set[Watcher] = set()
        self.is_gone = False
        self.revision: Revision | None = None
        self._own_numbers: dict[str, int] = {}
        # What comes after a change, for all who are there; None: what begins.
        self._messages: dict[int | None, _Message] = {}

    # --- what happens

    def show(self, revision: Revision) -> None:
        """Made of the one that is shown."""
        self.revision = revision
        self._own_numbers[str(revision.id)] = revision.number
        if len(self._own_numbers) > _REMEMBERED:
            del self._own_numbers[next(iter(self._own_numbers))]
        self._messages.clear()
        for watcher in self.watchers:
            watcher.news.set()

    def end(self) -> None:
        """What is watched is gone."""
        self.is_gone = True
        for watcher in self.watchers:
            watcher.close(GONE)

    def add(self, watcher: Watcher) -> None:
        self.watchers.add(watcher)
        if self.is_gone:
            watcher.close(GONE)
        elif self.revision is not None:
            watcher.news.set()

    # --- what is sent

    def text_for(self, watcher: Watcher) -> str | None:
        """The next event for the watcher, which counts as sent; None if it has the newest.

        Where more is to be sent at once, `news` is set.
        """
        revision = self.revision
        if revision is None:
            return None
        known, watcher.last_event_id = read_id(watcher.last_event_id), ""
        # Whoever was sent something has that, in part or in full, whatever it had before.
        has_newest = watcher.seen is None or watcher.sent == revision.id
        if known is not None and known.digest == revision.id.digest and has_newest:
            watcher.sent, watcher.seen = revision.id, revision.number
            return _text("resumed", revision.id)
        if watcher.sent == revision.id:
            return None
        if watcher.seen is None:
            # Only a moment of this very feed says which of the changes were seen.
            watcher.seen = self._own_numbers.get(str(known))
        message = self._message(revision, watcher.seen if self.is_list else None)
        watcher.seen = message.number
        if message.number == revision.number:
            watcher.sent = revision.id
        else:
            watcher.sent = None
            watcher.news.set()
        return message.text

    def _message(self, revision: Revision, after: int | None) -> _Message:
        if after not in self._messages:
            if len(self._messages) >= _MOST_TEXTS:
                self._messages.clear()
            make = _rows if self.is_list else _whole
            self._messages[after] = make(revision, after)
        return self._messages[after]


def _whole(revision: Revision, _after: int | None) -> _Message:
    content = next(iter(revision.parts.values()), b"null")
    return _Message(_text("state", revision.id, content), revision.number)


def _rows(revision: Revision, after: int | None) -> _Message:
    """What goes into one message. The id, from which one may resume, comes with the last.

    Until then there is none: the rows are those of no moment.
    """
    rows: list[bytes] = []
    removed: list[bytes] = []
    number, size = after or 0, 0
    for change in revision.since(number):
        said = orjson.dumps(change.name) if change.content is None else change.content
        size += len(said) + 1
        if size > LARGEST_MESSAGE_BYTES and number != (after or 0):
            break
        (removed if change.content is None else rows).append(said)
        number = change.number
    event_id = revision.id if number == revision.number else None
    data = b'{"rows":[' + b",".join(rows) + b"]"
    if after is None:
        return _Message(_text("state", event_id, data + b"}"), number)
    data += b',"removed":[' + b",".join(removed) + b"]}"
    return _Message(_text("changes", event_id, data), number)


def _text(kind: str, event_id: EventId | None, data: bytes | None = None) -> str:
    quoted = "null" if event_id is None else f'"{event_id}"'
    head = f'{{"type":"{kind}","id":{quoted}'
    return head + "}" if data is None else f'{head},"data":{data.decode()}}}'


def heartbeat(event_id: EventId | None) -> str:
    return _text("heartbeat", event_id)
