"""Boards of very many connectors: read once for all, sent in pieces that may be broken off."""

import asyncio
import json
import threading
from datetime import UTC, datetime
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from chargepoints.models import Connector
from csms.common import clock
from csms.live import feeds, hub
from csms.live.feeds import Feed, Watcher
from csms.live.hub import Lane
from csms.live.readers import BoardReader
from csms.live.revisions import Parts, revise
from tests.support.factories import connector_of, make_site, make_station

# Few, so that states return.
values = st.integers(0, 1)
board_states = st.fixed_dictionaries({"a": values, "b": values}, optional={"c": values})
board_states |= st.just({})
some_messages = st.sampled_from([0, 1, 2, 9, 9])


class Visit(NamedTuple):
    """A client comes to one of two processes, and is sent some messages before and after a thing.

    Each process reads the board when it does: the other may show another state meanwhile.
    """

    process: int
    how: str
    before: int
    shown: dict[str, int] | None
    begins_anew: bool
    is_heard: bool
    after: int


visits = st.lists(
    st.builds(
        Visit,
        process=st.integers(0, 1),
        how=st.sampled_from(["with its id", "mute", "blank"]),
        before=some_messages,
        shown=st.none() | board_states,
        begins_anew=st.booleans(),
        is_heard=st.booleans(),
        after=some_messages,
    ),
    min_size=2,
    max_size=8,
)


def parts_of(state: dict[str, int]) -> Parts:
    return {
        name: json.dumps({"key": name, "value": value}).encode() for name, value in state.items()
    }


def show(feed: Feed, parts: Parts) -> None:
    revision = revise(feed.revision, parts)
    if revision is not None:
        feed.show(revision)


def board(state: dict[str, int]) -> Feed:
    feed = Feed("board", is_list=True)
    show(feed, parts_of(state))
    return feed


class Client:
    """Does what the documentation says: keeps rows by key, and an id until a null one."""

    def __init__(self, feed: Feed) -> None:
        self.rows: dict[str, Any] = {}
        self.last_event_id = ""
        self.types: list[str] = []
        self.comes_back(feed)

    def comes_back(self, feed: Feed, *, is_mute: bool = False) -> None:
        """`is_mute`: it sends what it has once it is there, which is heard at any time after."""
        self.feed = feed
        self._watcher = Watcher(1, uuid4(), "all")
        self._under_way = self.last_event_id
        if not is_mute:
            self._watcher.last_event_id = self.last_event_id

    def is_heard(self) -> None:
        if self._under_way:
            self._watcher.resume(self._under_way)
        self._under_way = self.last_event_id

    def take(self) -> bool:
        """One message, if there is any."""
        text = self.feed.text_for(self._watcher)
        if text is None:
            return False
        said = json.loads(text)
        self.types.append(said["type"])
        if said["type"] == "state":
            self.rows = {}
        if said["type"] != "resumed":
            self.rows |= {row["key"]: row["value"] for row in said["data"]["rows"]}
            for key in said["data"].get("removed", []):
                self.rows.pop(key, None)
        self.last_event_id = said["id"] or ""
        assert said["id"] is not None or self._watcher.news.is_set()
        return True

    def take_some(self, number: int) -> bool:
        """Whether there are no more."""
        return not all(self.take() for _message in range(number))

    def take_all(self) -> None:
        while self.take():
            pass


@given(board_states, visits, st.sampled_from([1, 50]))
@settings(deadline=None, max_examples=400)
def test_whatever_happens_in_between_a_client_ends_up_with_what_is(
    first: dict[str, int], visits: list[Visit], largest: int
) -> None:
    with patch.object(feeds, "LARGEST_MESSAGE_BYTES", largest):
        states, boards = [first, first], [board(first), board(first)]
        client = Client(boards[0])
        for visit in visits:
            process = visit.process
            if visit.how == "blank":
                client.last_event_id = ""
            client.comes_back(boards[process], is_mute=visit.how == "mute")
            if client.take_some(visit.before):
                assert client.rows == states[process]
            if visit.shown is not None:
                states[process] = visit.shown
                show(boards[process], parts_of(visit.shown))
            if visit.is_heard:
                client.is_heard()
            if client.take_some(visit.after):
                assert client.rows == states[process]
            if visit.begins_anew:
                boards[process] = board(states[process])
                client.comes_back(boards[process])
        client.take_all()
        state = states[boards.index(client.feed)]
        assert client.rows == state
        client.is_heard()
        client.take_all()
        assert client.rows == state
        for other in boards:
            show(other, parts_of(state))
            client.comes_back(other)
            client.take_all()
            assert client.types[-1] == "resumed"
            assert client.rows == state


@pytest.fixture
def a_row_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "LARGEST_MESSAGE_BYTES", 1)


@pytest.mark.usefixtures("a_row_a_message")
def test_an_id_that_is_heard_late_does_not_cut_a_state_short() -> None:
    state = {"a": 1, "b": 1, "c": 1}
    feed = board(state)
    client = Client(feed)
    client.take_all()
    client.comes_back(feed, is_mute=True)
    client.take()
    client.is_heard()
    client.take_all()
    assert client.rows == state


@pytest.mark.usefixtures("a_row_a_message")
def test_an_id_that_is_heard_late_does_not_undo_what_was_sent_before() -> None:
    """The state after it is the one of that id again, and not the one that the client has."""
    feed = board({"a": 1})
    client = Client(feed)
    client.take_all()
    show(feed, parts_of({"a": 2}))
    client.comes_back(feed, is_mute=True)
    client.take_all()
    show(feed, parts_of({"a": 1}))
    client.is_heard()
    client.take_all()
    assert client.rows == {"a": 1}


@pytest.mark.usefixtures("a_row_a_message")
def test_part_of_another_process_s_state_is_nothing_to_resume_from() -> None:
    state = {"a": 1, "b": 1}
    known, other = board(state), board({"a": 2, "b": 2})
    client = Client(known)
    client.take_all()
    client.comes_back(other)
    client.take()
    client.comes_back(known)
    client.take_all()
    assert client.rows == state


@pytest.mark.usefixtures("a_row_a_message")
@pytest.mark.parametrize("is_made_anew", [True, False])
def test_a_state_that_returns_is_not_what_was_seen_in_part(is_made_anew: bool) -> None:
    state, between = {"a": 1, "b": 1}, {"a": 2, "b": 2}
    feed = board(state)
    client = Client(feed)
    client.take_all()
    if is_made_anew:
        feed = board(between)
        client.comes_back(feed)
    else:
        show(feed, parts_of(between))
    client.take()
    show(feed, parts_of(state))
    client.comes_back(feed)
    client.take_all()
    assert client.rows == state


def test_no_message_is_larger_than_clients_take() -> None:
    feed = Feed("board", is_list=True)
    show(
        feed,
        {
            f"CP-{n}/1/1": b'{"key":"CP-%d/1/1","value":"%s"}' % (n, b"x" * 250)
            for n in range(3_000)
        },
    )
    client = Watcher(1, uuid4(), "all")
    texts = []
    while (text := feed.text_for(client)) is not None:
        texts.append(text)
    assert max(len(text) for text in texts) < feeds.LARGEST_MESSAGE_BYTES + 200
    said = [json.loads(text) for text in texts]
    assert [one["type"] for one in said] == ["state", *["changes"] * (len(said) - 1)]
    assert [one["id"] is None for one in said] == [True] * (len(said) - 1) + [False]
    assert len({row["key"] for one in said for row in one["data"]["rows"]}) == 3_000


def test_who_watches_the_same_is_sent_the_same_text() -> None:
    feed = Feed("board", is_list=True)
    show(feed, parts_of({"a": 1, "b": 1}))
    first, second = (Watcher(number, uuid4(), "all") for number in range(2))
    assert feed.text_for(first) is feed.text_for(second)
    show(feed, parts_of({"a": 1, "b": 2}))
    assert feed.text_for(first) is feed.text_for(second)


def test_the_digest_says_what_is_there_not_how_it_came_to_be() -> None:
    straight = revise(None, parts_of({"a": 1, "b": 2}))
    roundabout = revise(revise(None, parts_of({"b": 2, "c": 1})), parts_of({"b": 2, "a": 1}))
    other = revise(None, parts_of({"a": 2, "b": 1}))
    assert straight is not None
    assert roundabout is not None
    assert other is not None
    assert straight.id.digest == roundabout.id.digest != other.id.digest


async def test_nothing_is_compared_or_digested_on_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = []

    def watched(*arguments: Any) -> Any:
        threads.append(threading.current_thread())
        return revise(*arguments)

    class Reader:
        def read(self, *_arguments: Any) -> dict[str, Parts]:
            return {"it": parts_of({"a": 1})}

    monkeypatch.setattr(hub, "revise", watched)
    lane, feed = Lane(Reader, lambda: 0.01), Feed("board", is_list=True)
    waiting = Watcher(1, uuid4(), "all")
    feed.add(waiting)
    lane.add("it", feed)
    async with asyncio.timeout(10):
        await waiting.news.wait()
    lane.remove("it")
    assert threads
    assert threading.main_thread() not in threads


@pytest.mark.django_db
def test_all_boards_are_read_with_two_queries_and_only_what_changed_is_made_anew() -> None:
    sites = [make_site() for _number in range(3)]
    stations = [make_station(f"CP-{n}", site=site, connectors=2) for n, site in enumerate(sites)]
    audiences: list[Any] = ["all", *(frozenset({site.operator_id}) for site in sites)]
    reader = BoardReader()
    with CaptureQueriesContext(connection) as queries:
        before = reader.read(audiences, set(), clock.now())
    assert len(queries) == 2
    Connector.objects.filter(evse__station=stations[0], evse__evse_id=2).update(status="Faulted")
    after = reader.read(audiences, set(), clock.now())
    for audience in ("all", audiences[1]):
        old, new = before[audience], after[audience]
        assert old is not None
        assert new is not None
        assert {name for name in new if new[name] is not old[name]} == {"CP-0/2/1"}
        assert json.loads(new["CP-0/2/1"])["status"] == "Faulted"
    assert [len(after[audience] or ()) for audience in audiences] == [6, 2, 2, 2]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status_at", "shown"),
    [
        (None, None),
        (datetime(2026, 11, 30, 17, 0, tzinfo=UTC), "2026-11-30T17:00:00Z"),
        (datetime(2026, 11, 30, 17, 0, 0, 123_400, tzinfo=UTC), "2026-11-30T17:00:00.123400Z"),
    ],
)
def test_a_time_is_shown_as_it_is(status_at: datetime | None, shown: str | None) -> None:
    station = make_station("CP")
    Connector.objects.filter(pk=connector_of(station).pk).update(status_at=status_at)
    (parts,) = BoardReader().read({"all"}, set(), clock.now()).values()
    assert parts is not None
    assert json.loads(parts["CP/1/1"])["status_at"] == shown


@pytest.mark.django_db
def test_a_station_that_moves_to_another_operator_moves_to_the_other_s_board() -> None:
    ours, theirs = make_site(), make_site()
    station = make_station("CP", site=ours)
    audiences = [frozenset({ours.operator_id}), frozenset({theirs.operator_id})]
    reader = BoardReader()
    assert [len(parts or ()) for parts in reader.read(audiences, set(), clock.now()).values()] == [
        1,
        0,
    ]
    station.site = theirs
    station.save()
    found = reader.read(audiences, set(), clock.now())
    assert [len(found[audience] or ()) for audience in audiences] == [0, 1]
