"""The WebSockets of live feeds: who gets in, what they are sent, and when they are closed."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import SignIn, User
from accounts.services.sign_ins import sign_in
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Connector, Site, Station
from csms.common import clock, tickets
from csms.common.tickets import Admission
from csms.live import hub, socket
from csms.live.readers import BoardReader, SessionReader
from tests.support.factories import connector_of, make_driver, make_site, make_staff, make_station
from tests.support.threads import in_threads
from tests.transactions import support
from tests.transactions.drivers import make_ready_station, start
from transactions.models import Session

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(hub, "BOARD_INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(hub, "RECHECK_SECONDS", 0.05)


@pytest.fixture
def station() -> Station:
    return make_ready_station("CP1", connectors=2, public_code="CODE1")


@pytest.fixture
def driver() -> User:
    return make_driver()


@pytest.fixture
def session(station: Station, driver: User) -> Session:
    """Running since now at connector 1."""
    asked = start(driver, station)
    support.start(station, clock.now(), token=asked.id_token_value)
    return asked


def signed_in(user: User) -> SignIn:
    now = clock.now()
    return sign_in(user, address="127.0.0.1", expires_at=now + timedelta(minutes=10), at=now)


def ticket_for(user: User, feed: str) -> str:
    return tickets.issue(Admission(user.pk, signed_in(user).pk, feed), clock.now())


def feed_of(session: Session, language: str = "en") -> str:
    return f"session:{session.public_id}:{language}"


@pytest.fixture
async def connect() -> AsyncIterator[Open]:
    opened = []

    async def open_socket(ticket: str, last_event_id: str = "") -> WebsocketCommunicator | None:
        path = f"/ws/live/?ticket={ticket}"
        if last_event_id:
            path += f"&last_event_id={last_event_id}"
        made = WebsocketCommunicator(socket.live, path)
        is_open, _code = await made.connect(timeout=5)
        if not is_open:
            return None
        opened.append(made)
        return made

    yield open_socket
    for made in opened:
        await made.disconnect()
    await sync_to_async(connections.close_all)()
    assert len(hub.current()) == 0, "a feed outlived its last watcher"


async def event(made: WebsocketCommunicator) -> Any:
    return json.loads(await made.receive_from(timeout=5))


async def close_code(made: WebsocketCommunicator) -> int:
    while True:
        message = await made.receive_output(timeout=5)
        if message["type"] == "websocket.close":
            return int(message["code"])


async def test_a_driver_watches_the_session_from_reading_to_end(
    session: Session, driver: User, station: Station, connect: Open
) -> None:
    made = await connect(await sync_to_async(ticket_for)(driver, feed_of(session)))
    first = await event(made)
    assert (first["type"], first["data"]["state"], first["data"]["energy_wh"]) == (
        "state",
        "ACTIVE",
        0,
    )
    await sync_to_async(support.report)(session.pk, (clock.now(), 1_900))
    second = await event(made)
    assert (second["data"]["energy_wh"], second["data"]["price"]["gross"]) == (900, "6.75")
    assert second["id"] > first["id"]
    await sync_to_async(support.stop)(
        station, session.pk, clock.now() + timedelta(seconds=1), meter=1_950
    )
    last = await event(made)
    assert (last["data"]["state"], last["data"]["price"]["gross"]) == ("ENDED", "7.13")


async def test_a_ticket_works_once_within_its_minute_for_its_feed(
    session: Session, driver: User, connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await sync_to_async(ticket_for)(driver, feed_of(session))
    assert await connect(ticket) is not None
    assert await connect(ticket) is None
    for nonsense in ("", "x", "x" * 10_000, "%00"):
        assert await connect(nonsense) is None
    late = await sync_to_async(ticket_for)(driver, feed_of(session))
    after = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: after)
    assert await connect(late) is None


def test_of_many_who_use_a_ticket_at_once_one_gets_in(driver: User) -> None:
    ticket = ticket_for(driver, "board")
    found = in_threads(8, lambda _number: tickets.redeem(ticket, clock.now()))
    assert [admission for admission in found if admission] != []
    assert sum(admission is not None for admission in found) == 1


async def test_a_ticket_dies_with_the_sign_in_that_asked_for_it(
    session: Session, driver: User, connect: Open
) -> None:
    ticket = await sync_to_async(ticket_for)(driver, feed_of(session))
    await SignIn.objects.aupdate(revoked_at=clock.now())
    assert await connect(ticket) is None


@pytest.mark.parametrize("how", ["revoked", "deactivated", "password"])
async def test_a_feed_ends_with_the_sign_in(
    how: str, session: Session, driver: User, connect: Open
) -> None:
    made = await connect(await sync_to_async(ticket_for)(driver, feed_of(session)))
    await event(made)
    if how == "revoked":
        await SignIn.objects.aupdate(revoked_at=clock.now())
    elif how == "deactivated":
        await User.objects.filter(pk=driver.pk).aupdate(is_active=False)
    else:
        await User.objects.filter(pk=driver.pk).aupdate(password="!another")
    assert await close_code(made) == 4401


async def test_what_is_gone_is_closed(
    session: Session, driver: User, station: Station, connect: Open
) -> None:
    feed = f"connector:{(await connector(station)).pk}"
    made = await connect(await sync_to_async(ticket_for)(driver, feed))
    assert (await event(made))["data"]["status"] == "Available"
    await Site.objects.aupdate(is_active=False)
    assert await close_code(made) == 4404
    unknown = await connect(await sync_to_async(ticket_for)(driver, "session:nothing:en"))
    assert await close_code(unknown) == 4404


async def connector(station: Station, evse_id: int = 2) -> Connector:
    return await sync_to_async(connector_of)(station, evse_id)


async def test_a_connector_s_status_and_a_charger_that_goes_offline_are_seen(
    driver: User, station: Station, connect: Open
) -> None:
    row = await connector(station)
    made = await connect(await sync_to_async(ticket_for)(driver, f"connector:{row.pk}"))
    first = (await event(made))["data"]
    assert (first["identity"], first["evse_id"], first["is_available"]) == ("CODE1", 2, True)
    await Connector.objects.filter(pk=row.pk).aupdate(status=ConnectorStatus.PREPARING.value)
    assert (await event(made))["data"]["status"] == "Preparing"
    await Station.objects.aupdate(is_online=False)
    last = (await event(made))["data"]
    assert (last["is_online"], last["is_available"]) == (False, False)


async def test_the_board_shows_all_of_an_operator_s_connectors_and_nothing_foreign(
    station: Station, session: Session, connect: Open
) -> None:
    operator = station.site.operator
    staff = await sync_to_async(make_staff)(operators=[operator])
    foreign = await sync_to_async(make_station)("THEIRS", is_online=True)
    made = await connect(await sync_to_async(ticket_for)(staff, "board"))
    whole = await event(made)
    rows = {row["key"]: row for row in whole["data"]["rows"]}
    assert set(rows) == {"CP1/1/1", "CP1/2/1"}
    assert rows["CP1/1/1"]["session"]["id"] == str(session.public_id)
    assert rows["CP1/2/1"]["session"] is None
    await Connector.objects.filter(evse__station=foreign).aupdate(status="Faulted")
    await Connector.objects.filter(evse__station=station, evse__evse_id=2).aupdate(status="Faulted")
    changes = await event(made)
    assert changes["type"] == "changes"
    assert [row["key"] for row in changes["data"]["rows"]] == ["CP1/2/1"]
    await Station.objects.filter(pk=station.pk).aupdate(archived_at=clock.now())
    removed = await event(made)
    assert sorted(removed["data"]["removed"]) == ["CP1/1/1", "CP1/2/1"]
    await staff.operators.aclear()
    assert await close_code(made) == 4401


async def test_whoever_reconnects_gets_what_was_missed(
    session: Session, driver: User, connect: Open
) -> None:
    first = await connect(await sync_to_async(ticket_for)(driver, feed_of(session)))
    seen = (await event(first))["id"]
    await first.disconnect()
    same = await connect(await sync_to_async(ticket_for)(driver, feed_of(session)), seen)
    assert (await event(same))["type"] == "resumed"
    await same.disconnect()
    await sync_to_async(support.report)(session.pk, (clock.now(), 1_900))
    back = await connect(await sync_to_async(ticket_for)(driver, feed_of(session)), seen)
    missed = await event(back)
    assert (missed["type"], missed["data"]["energy_wh"]) == ("state", 900)
    # A client may also say it in its first message.
    await back.send_to(json.dumps({"last_event_id": missed["id"]}))
    assert (await event(back)) == {"type": "resumed", "id": missed["id"]}


async def test_two_watch_the_same_in_their_own_language(
    station: Station, driver: User, connect: Open
) -> None:
    asked = await sync_to_async(start)(driver, station)
    await Session.objects.filter(pk=asked.pk).aupdate(state="FAILED", end_reason="NoAnswer")
    texts = []
    for language in ("en", "th"):
        ticket = await sync_to_async(ticket_for)(driver, feed_of(asked, language))
        texts.append((await event(await connect(ticket)))["data"]["failure"]["detail"])
    assert texts == ["The charger did not answer.", "เครื่องชาร์จไม่ตอบกลับ"]


async def test_it_says_that_it_lives(
    session: Session, driver: User, connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "HEARTBEAT_SECONDS", 0.05)
    made = await connect(await sync_to_async(ticket_for)(driver, feed_of(session)))
    said = [await event(made) for _number in range(5)]
    assert {one["type"] for one in said} == {"state", "heartbeat"}
    (state,) = (one for one in said if one["type"] == "state")
    assert said[-1] == {"type": "heartbeat", "id": state["id"]}


async def test_who_talks_too_much_is_closed(session: Session, driver: User, connect: Open) -> None:
    for text, times in (("x" * 501, 1), ("{}", socket.MOST_MESSAGES_A_MINUTE + 1)):
        made = await connect(await sync_to_async(ticket_for)(driver, feed_of(session)))
        for _time in range(times):
            await made.send_to(text)
        assert await close_code(made) == 1008


async def test_nobody_holds_more_than_a_few_sockets(
    session: Session, driver: User, connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_SOCKETS_OF_A_USER", 2)
    opened = []
    for _number in range(3):
        ticket = await sync_to_async(ticket_for)(driver, feed_of(session))
        opened.append(await connect(ticket))
    assert [made is not None for made in opened] == [True, True, False]


async def test_a_client_that_takes_nothing_is_given_up(
    session: Session, driver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket's buffers are full: sending does not come back."""
    monkeypatch.setattr(socket, "SEND_SECONDS", 0.05)
    ticket = await sync_to_async(ticket_for)(driver, feed_of(session))
    sent: list[Any] = []
    said = iter([{"type": "websocket.connect"}])

    async def receive() -> Any:
        for message in said:
            return message
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "websocket.send":
            await asyncio.Event().wait()

    scope = {"type": "websocket", "query_string": f"ticket={ticket}".encode()}
    async with asyncio.timeout(5):
        await socket.live(scope, receive, send)
    assert [message["type"] for message in sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    assert sent[-1]["code"] == socket.TOO_SLOW
    assert len(hub.current()) == 0
    await sync_to_async(connections.close_all)()


async def test_watching_much_costs_as_many_queries_as_watching_one(
    driver: User, connect: Open, station: Station, session: Session
) -> None:
    def look() -> tuple[int, int]:
        sessions = [session]
        for number in range(4):
            place = make_ready_station(f"MORE-{number}")
            one = start(make_driver(), place)
            support.start(place, clock.now(), token=one.id_token_value)
            sessions.append(one)
        counts = []
        register = itertools.count(1_000)
        for watched in (sessions[:1], sessions):
            names = {feed_of(one) for one in watched}
            reader = SessionReader()
            for one in watched:
                support.report(one.pk, (clock.now(), next(register)))
            reader.read(names, names, clock.now())
            for one in watched:
                support.report(one.pk, (clock.now(), next(register)))
            with CaptureQueriesContext(connection) as queries:
                found = reader.read(names, set(), clock.now())
            assert len(found) == len(watched)
            counts.append(len(queries))
            with CaptureQueriesContext(connection) as queries:
                assert reader.read(names, set(), clock.now()) == {}
            assert len(queries) == 1
        return counts[0], counts[1]

    one, five = await sync_to_async(look)()
    assert one == five == 2


def test_a_site_of_another_operator_is_not_on_the_board() -> None:
    """The reader itself scopes: nobody else does after it."""
    ours, theirs = make_site(), make_site()
    make_station("OURS", site=ours)
    make_station("THEIRS", site=theirs)
    audience = frozenset({ours.operator_id})
    (parts,) = BoardReader().read({audience}, set(), clock.now()).values()
    assert parts is not None
    assert set(parts) == {"OURS/1/1"}
