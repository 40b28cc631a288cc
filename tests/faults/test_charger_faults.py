"""What one charger may do wrong, over a real socket. Short: also part of `make test`."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from chargepoints.models import Station, StationAnomaly
from ocpp_gateway.models import Message
from tests.faults.mutation import requests
from tests.ocpp_gateway.servers import Charger, GatewayServer, charger, start_of, stop_of, until
from tests.support.factories import make_id_token, make_station, make_tariff
from transactions.domain.states import SessionState
from transactions.models import Reading, ReviewItem, Session

pytestmark = pytest.mark.faults


def stamp(at: datetime) -> str:
    return at.isoformat()


def meter_values(transaction: int, register: int, at: datetime) -> dict[str, Any]:
    sample = {"value": str(register), "measurand": "Energy.Active.Import.Register"}
    values = [{"timestamp": stamp(at), "sampledValue": [sample]}]
    return {"connectorId": 1, "transactionId": transaction, "meterValue": values}


@pytest.mark.parametrize(
    ("offset", "is_flagged"),
    [
        (timedelta(hours=2), True),
        # A day late is what an offline charger sends, too: no fault by itself.
        (-timedelta(days=1), False),
        (datetime(1970, 1, 1, tzinfo=UTC) - datetime.now(UTC), True),
        (datetime(2099, 1, 1, tzinfo=UTC) - datetime.now(UTC), True),
    ],
    ids=["two hours ahead", "a day behind", "1970", "2099"],
)
def test_T17_a_wrong_clock(
    socket: Charger, station: Station, offset: timedelta, is_flagged: bool
) -> None:
    make_id_token("CARD")
    make_tariff(station.site.operator)
    began = datetime.now(UTC)
    transaction = socket.start(timestamp=stamp(began + offset))["transactionId"]
    socket.call("MeterValues", meter_values(transaction, 5, began + offset))
    socket.stop(transaction, 10, timestamp=stamp(datetime.now(UTC) + offset))
    session = Session.objects.get(pk=transaction)
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 10)
    assert session.started_at is not None
    assert session.ended_at is not None
    assert timedelta(0) <= session.ended_at - session.started_at < timedelta(minutes=1)
    assert session.total_gross is not None
    assert session.total_gross >= 0
    assert session.charger_started_at == began + offset
    flags = ReviewItem.objects.filter(kind=ReviewItem.Kind.CLOCK_FAULT)
    assert flags.exists() == is_flagged
    if is_flagged:  # what was charged when is the server's to say
        assert abs(session.started_at - began) < timedelta(minutes=1)


def test_T21_a_second_socket_with_a_wrong_password(
    server: GatewayServer, socket: Charger, station: Station
) -> None:
    with (
        pytest.raises(InvalidStatus) as refusal,
        charger(server, station, password="not-the-password"),
    ):
        pytest.fail("The stranger was let in.")
    assert refusal.value.response.status_code == 401
    assert socket.call("Heartbeat", {})["currentTime"]
    assert StationAnomaly.objects.filter(station=station, kind="refused: wrong_password").exists()


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        '[2,"d","Heartbeat",' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "]",
        "[" * 10_000,
        '[2,"n","MeterValues",{"connectorId":NaN}]',
        '[2,"e","MeterValues",{"connectorId":1e400,"meterValue":[]}]',
        '[2,"h","StartTransaction",{"connectorId":1,"idTag":"a","meterStart":1e400,'
        '"timestamp":"2026-01-01T00:00:00Z"}]',
        '[2,"z","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available",'
        '"info":"a\\u0000b"}]',
        '[2,"s","Authorize",{"idTag":"\\ud800"}]',
        '[2,"\\u0000","Heartbeat",{}]',
    ],
    ids=["text", "deep", "open", "NaN", "1e400", "meter 1e400", "NUL", "surrogate", "NUL id"],
)
def test_T25_odd_json(socket: Charger, text: str) -> None:
    socket.send(text)
    socket.send([2, "after", "Heartbeat", {}])
    while (answer := socket.receive())[1] != "after":
        assert answer[0] in (3, 4)
        assert answer[2] != "InternalError", answer
    assert answer[0] == 3
    until(lambda: Message.objects.filter(direction="IN").exclude(action="BootNotification").first())


def test_T25_bytes_that_are_no_text(server: GatewayServer, socket: Charger) -> None:
    with charger(server, make_station()) as other:
        with other.connection.protocol_mutex:
            frame = Frame(Opcode.TEXT, b'[2,"\xff\xfe","Heartbeat",{}]')
            other.connection.protocol.send_frame(frame)
            other.connection.send_data()
        assert other.close_code() == 1007
    assert socket.call("Heartbeat", {})["currentTime"]


def test_T26_the_same_start_twice(server: GatewayServer, station: Station) -> None:
    """A new message id, another spelling of the card, and a new socket: one transaction."""
    make_id_token("CARD")
    start = start_of("CARD", 100)
    numbers = set()
    for token in ("CARD", "card"):
        with charger(server, station) as socket:
            socket.boot()
            for _time in range(2):
                again = {**start, "idTag": token}
                numbers.add(socket.call("StartTransaction", again)["transactionId"])
    assert len(numbers) == Session.objects.count() == 1
    assert not ReviewItem.objects.exists()


def test_T27_stops_that_come_first_twice_or_of_nothing(socket: Charger, station: Station) -> None:
    make_id_token("CARD")
    make_tariff(station.site.operator, price_per_kwh="10")
    now = datetime.now(UTC).replace(microsecond=0)
    nothing = stop_of(987_654, 700_000_000)
    early = stop_of(-1, 6_000, timestamp=stamp(now), idTag="CARD")
    for stop in (nothing, early, nothing, early):
        socket.call("StopTransaction", stop)
    orphans = ReviewItem.objects.filter(kind=ReviewItem.Kind.ORPHAN_STOP, resolved_at=None)
    assert orphans.count() == 2
    socket.start(meter=1_000, timestamp=stamp(now - timedelta(hours=1)))
    number = Session.objects.get().pk
    for transaction in (-1, number, number):
        socket.call("StopTransaction", {**early, "transactionId": transaction})
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 5_000)
    assert (session.total_gross, session.cost_lines.count()) == (50, 1)
    assert session.events.filter(kind="ended").count() == 1
    assert orphans.get().raw["transaction_id"] == "987654"


def test_T28_an_offline_queue_six_hours_later(socket: Charger, station: Station) -> None:
    make_id_token("CARD")
    now = datetime.now(UTC).replace(microsecond=0)
    began = now - timedelta(hours=8)
    tariff = make_tariff(station.site.operator, price_per_kwh="7.00").tariff
    # Since an hour it is dearer; the session was over by then.
    tariff.versions.create(effective_from=now - timedelta(hours=1), price_per_kwh=100)
    transaction = socket.start(meter=1_000, timestamp=stamp(began))["transactionId"]
    for quarter in range(1, 8):
        at = began + timedelta(minutes=15 * quarter)
        socket.call("MeterValues", meter_values(transaction, 1_000 + 1_000 * quarter, at))
    ended = began + timedelta(hours=2)
    socket.stop(transaction, 9_000, timestamp=stamp(ended))
    session = Session.objects.get()
    assert (session.started_at, session.ended_at) == (began, ended)
    assert (session.energy_wh, session.is_held) == (8_000, False)
    assert session.total_gross == 56
    assert Reading.objects.filter(session=session).count() >= 7


@pytest.mark.parametrize(
    ("register", "stop", "energy", "is_held"),
    [
        (900, 950, range(151), True),  # backwards: that step counts nothing
        (10_001_000, 10_001_500, range(60_000), True),  # a jump of 10 MWh: at most 50 kW
        # A reset is no mystery (case 60): what came before it and what came since add up.
        (0, 500, range(600, 601), False),
    ],
    ids=["backwards", "jump", "reset"],
)
def test_T29_an_odd_meter(
    socket: Charger, station: Station, register: int, stop: int, energy: range, is_held: bool
) -> None:
    make_id_token("CARD")
    make_tariff(station.site.operator)
    began = datetime.now(UTC) - timedelta(hours=1)
    transaction = socket.start(meter=1_000, timestamp=stamp(began))["transactionId"]
    for minutes, value in ((10, 1_100), (20, register)):
        at = began + timedelta(minutes=minutes)
        socket.call("MeterValues", meter_values(transaction, value, at))
    socket.stop(transaction, stop)
    session = Session.objects.get()
    assert session.state == SessionState.ENDED
    assert session.energy_wh in energy
    assert session.is_held == is_held
    assert ReviewItem.objects.filter(session=session).exists() == is_held
    assert (session.total_gross or 0) >= 0


def test_T36_addresses_are_limited_too(server: GatewayServer, station: Station) -> None:
    statuses = set()
    for number in range(300):
        try:
            with charger(server, f"NOBODY-{number}"):
                pytest.fail("Nobody was let in.")
        except InvalidStatus as refused:
            statuses.add(refused.response.status_code)
        if 429 in statuses:
            break
    assert statuses == {404, 429}
    # Nor does the address learn that way who is there.
    with pytest.raises(InvalidStatus) as refusal, charger(server, station, password="wrong"):
        pytest.fail("The stranger was let in.")
    assert refusal.value.response.status_code == 429
    with charger(server, station) as neighbour:
        neighbour.boot()


def test_T39_a_foreign_transaction(server: GatewayServer, socket: Charger) -> None:
    transaction = socket.start(meter=1_000)["transactionId"]
    attacker = make_station()
    with charger(server, attacker) as other:
        other.boot()
        other.call("MeterValues", meter_values(transaction, 9_000_000, datetime.now(UTC)))
        other.stop(transaction, 9_000_000)
    session = Session.objects.get(pk=transaction)
    assert (session.state, session.energy_wh, session.meter_stop_wh) == ("ACTIVE", 0, None)
    assert not Reading.objects.filter(session=session).exists()
    assert ReviewItem.objects.get(kind="FOREIGN_TRANSACTION").station == attacker


# --- T66: every request of 1.6, mutated ---------------------------------------------------------

MOST_FRAMES = 2_000


@pytest.fixture
def unlimited_cards(settings: Any) -> None:
    """Without the limit on refused cards (T38), which would make most of the frames wait."""
    settings.OCPP_REFUSED_CARDS_BURST = MOST_FRAMES


@pytest.mark.usefixtures("unlimited_cards")
def test_T66_every_request_mutated(server: GatewayServer, socket: Charger) -> None:
    """2,000 of them; 100,000 come in `test_T66_100_000_mangled_requests`."""
    everything = list(requests())
    assert len({action for action, _payload in everything}) >= 28
    chosen = random.Random(66).sample(everything, min(MOST_FRAMES, len(everything)))
    with charger(server, make_station()) as attacker:
        attacker.boot()
        for number, (action, payload) in enumerate(chosen):
            answer = attacker.exchange([2, f"z{number}", action, payload])
            while answer[1] != f"z{number}":
                answer = attacker.receive()
            assert answer[0] in (3, 4)
            assert answer[2] != "InternalError", (action, payload)
            if number % 100 == 0:
                assert socket.call("Heartbeat", {})["currentTime"]
