"""What a watcher is sent: the newest, and after a break what it has missed."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from csms.live import events
from csms.live.feeds import GONE, Feed, Watcher
from csms.live.revisions import revise


def watcher(last_event_id: str = "") -> Watcher:
    made = Watcher(1, uuid4(), None)
    made.last_event_id = last_event_id
    return made


def sent(feed: Feed, to: Watcher) -> Any:
    text = feed.text_for(to)
    return None if text is None else json.loads(text)


def parts(**values: int) -> dict[str, bytes]:
    return {
        name: json.dumps({"key": name, "value": value}).encode() for name, value in values.items()
    }


def put(feed: Feed, **values: int) -> bool:
    """The state is this now; whether it is another than before."""
    revision = revise(feed.revision, parts(**values))
    if revision is not None:
        feed.show(revision)
    return revision is not None


async def test_each_state_is_sent_once_with_a_larger_id() -> None:
    feed, watching = Feed("session:x"), watcher()
    feed.add(watching)
    assert sent(feed, watching) is None
    ids = []
    for value in (1, 2, 3):
        assert put(feed, it=value)
        assert watching.news.is_set()
        event = sent(feed, watching)
        assert (event["type"], event["data"]["value"]) == ("state", value)
        ids.append(event["id"])
        assert sent(feed, watching) is None
    assert ids == sorted(set(ids))
    assert not put(feed, it=3)


async def test_a_slow_watcher_gets_the_newest_only() -> None:
    feed, watching = Feed("session:x"), watcher()
    feed.add(watching)
    for value in range(100):
        put(feed, it=value)
    assert sent(feed, watching)["data"]["value"] == 99
    assert sent(feed, watching) is None


async def test_ids_grow_although_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    feed, watching = Feed("session:x"), watcher()
    feed.add(watching)
    put(feed, it=1)
    before = sent(feed, watching)["id"]
    past = time.time_ns() - 3_600_000_000_000
    monkeypatch.setattr(events.time, "time_ns", lambda: past)
    put(feed, it=2)
    assert sent(feed, watching)["id"] > before


async def test_whoever_comes_back_hears_whether_something_changed() -> None:
    feed = Feed("session:x")
    first = watcher()
    feed.add(first)
    put(feed, it=1)
    seen = sent(feed, first)["id"]
    back = watcher(seen)
    feed.add(back)
    assert sent(feed, back) == {"type": "resumed", "id": seen}
    # The same at another process, which saw that state at another time.
    other = Feed("session:x")
    put(other, it=1)
    assert other.revision is not None
    moment = other.revision.id
    assert other.text_for(watcher(seen)) == f'{{"type":"resumed","id":"{moment}"}}'
    put(feed, it=2)
    assert sent(feed, watcher(seen))["data"]["value"] == 2
    for nonsense in ("0", "x" * 500, f"{'9' * 13}-{'0' * 12}", "'; DROP TABLE"):
        assert sent(feed, watcher(nonsense))["type"] == "state"


async def test_of_a_list_only_what_changed_is_sent() -> None:
    feed, watching = Feed("board", is_list=True), watcher()
    feed.add(watching)
    put(feed, a=1, b=1, c=1)
    whole = sent(feed, watching)
    assert [row["key"] for row in whole["data"]["rows"]] == ["a", "b", "c"]
    put(feed, a=1, b=2, c=1)
    changes = sent(feed, watching)
    assert changes["type"] == "changes"
    assert changes["data"] == {"rows": [{"key": "b", "value": 2}], "removed": []}
    put(feed, a=1, b=3)
    put(feed, a=5, b=4)
    missed = sent(feed, watching)["data"]
    assert {row["key"]: row["value"] for row in missed["rows"]} == {"a": 5, "b": 4}
    assert missed["removed"] == ["c"]


async def test_a_list_is_resumed_where_the_watcher_left_it() -> None:
    feed, first = Feed("board", is_list=True), watcher()
    feed.add(first)
    put(feed, a=1, b=1)
    seen = sent(feed, first)["id"]
    put(feed, a=1, b=2)
    put(feed, a=1, b=2, c=1)
    missed = sent(feed, watcher(seen))
    assert missed["type"] == "changes"
    assert [row["key"] for row in missed["data"]["rows"]] == ["b", "c"]
    # A process that does not know that moment gives everything.
    other = Feed("board", is_list=True)
    put(other, a=1, b=2, c=1)
    assert sent(other, watcher(seen))["type"] == "state"


async def test_the_end_is_told_to_all_and_to_whoever_comes_after() -> None:
    feed, watching = Feed("session:x"), watcher()
    feed.add(watching)
    feed.end()
    late = watcher()
    feed.add(late)
    assert (watching.close_code, late.close_code) == (GONE, GONE)
