"""What chargers kept while they were offline, in any order and with any id: cases 46, 48 and 50."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chargepoints.events import ConnectorStatusChanged
from chargepoints.models import Command, ConnectorStatusEvent, Station
from ocpp_gateway.models import Message
from tests.ocpp_gateway.payloads import status
from tests.ocpp_gateway.servers import Charger, start_of, stop_of, until
from tests.ocpp_gateway.test_cases_sessions import at, measured
from tests.support.factories import connector_of, make_id_token, make_tariff
from transactions.domain.states import SessionState
from transactions.models import Reading, ReviewItem, Session

DAY = timedelta(days=1)


@pytest.fixture
def today() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def card(transactional_db: None) -> str:
    return make_id_token("CARD").token


# --- Fields that nobody can read ----------------------------------------------------------------

NO_VALUES: tuple[Any, ...] = (None, "garbage", "", [], {"a": 1}, True, 1e300)


@pytest.mark.parametrize("field", ["transactionId", "timestamp", "meterStop"])
def test_case_46_a_stop_that_cannot_be_read_is_answered_and_kept_as_it_was_sent(
    socket: Charger, field: str
) -> None:
    for meter, value in enumerate(NO_VALUES):
        stop = {**stop_of(987_654, 700_000_000 + meter, idTag=f"X{meter}"), field: value}
        assert "idTagInfo" in socket.call("StopTransaction", stop)
    del stop[field]
    socket.call("StopTransaction", {**stop, "idTag": "without"})
    for kept in ReviewItem.objects.all():
        assert kept.kind == ReviewItem.Kind.ORPHAN_STOP
    sent = [json.loads(item.raw["frame"])[3] for item in ReviewItem.objects.order_by("pk")]
    assert [found.get(field, "nothing") for found in sent] == [*NO_VALUES, "nothing"]


@pytest.mark.parametrize("frame", ['[2,"n","StopTransaction",null]', '[2,"n","StopTransaction"]'])
def test_case_46_a_stop_of_nothing_at_all_is_answered_and_kept(socket: Charger, frame: str) -> None:
    assert socket.exchange(frame) == [3, "n", {}]
    kept = ReviewItem.objects.get()
    assert (kept.kind, kept.raw["frame"]) == (ReviewItem.Kind.ORPHAN_STOP, frame)


@pytest.mark.parametrize("field", ["connectorId", "meterStart", "idTag", "timestamp"])
@pytest.mark.parametrize("value", [None, "garbage", {"a": 1}])
def test_case_46_a_start_that_cannot_be_read_has_a_transaction_and_is_held(
    socket: Charger, station: Station, card: str, field: str, value: Any
) -> None:
    """Its energy is kept; who pays, where and from when is a person's to say."""
    make_tariff(station.site.operator)
    elsewhere = socket.start("OTHER", 0)["transactionId"]
    start = {**start_of(card, 1_000, connectorId=2), field: value}
    number = socket.call("StartTransaction", start)["transactionId"]
    assert socket.call("StartTransaction", start)["transactionId"] == number != elsewhere
    socket.call("MeterValues", measured(datetime.now(UTC), 1_100, transactionId=number))
    socket.stop(number, 1_200, timestamp=at(datetime.now(UTC) + timedelta(seconds=1)))
    session = Session.objects.get(pk=number)
    assert session.connector == connector_of(station, 2)
    assert session.state == SessionState.ENDED
    assert session.energy_wh == (100 if field == "meterStart" else 200)
    assert session.is_held == (field in ("connectorId", "meterStart"))
    items = ReviewItem.objects.filter(session=session)
    assert [json.loads(item.raw["frame"])[3] for item in items] == [start]
    assert Session.objects.get(pk=elsewhere).state == SessionState.ACTIVE


@pytest.mark.parametrize("field", ["connectorId", "transactionId", "meterValue"])
def test_case_46_and_57_readings_with_a_field_that_cannot_be_read_are_answered(
    socket: Charger, today: datetime, field: str
) -> None:
    number = socket.start()["transactionId"]
    for energy, value in enumerate(NO_VALUES, 1):
        payload = {**measured(today, energy, transactionId=number), field: value}
        assert socket.call("MeterValues", payload) == {}
    assert socket.exchange([2, "n", "MeterValues", None]) == [3, "n", {}]
    expected = 0 if field == "meterValue" else len(NO_VALUES)
    assert Reading.objects.filter(session_id=number, energy_wh__gt=0).count() == expected


# --- Ids that the charger made up, and stops before their start ---------------------------------


@pytest.mark.parametrize("number", [77, -1, "?"])
def test_case_48_a_stop_before_its_start_ends_it_when_it_comes(
    socket: Charger, station: Station, today: datetime, card: str, number: Any
) -> None:
    make_tariff(station.site.operator, price_per_kwh="5")
    began = today - timedelta(hours=1)
    stop = {**stop_of(0, 9_000, timestamp=at(today), idTag=card), "transactionId": number}
    assert socket.call("StopTransaction", stop)["idTagInfo"]["status"] == "Accepted"
    kept = ReviewItem.objects.get()
    assert kept.kind == ReviewItem.Kind.ORPHAN_STOP
    socket.start(card, 1_000, timestamp=at(began))
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 8_000)
    assert (session.started_at, session.ended_at) == (began, today)
    assert (session.total_gross, session.is_held) == (Decimal(40), False)
    kept.refresh_from_db()
    assert (kept.session, kept.resolved_at is None) == (session, False)
    # Sent again it is known, whatever its number.
    socket.call("StopTransaction", stop)
    assert ReviewItem.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "start_token"),
    [
        ({"idTag": "OTHER"}, "CARD"),
        ({"meterStop": 900}, "CARD"),
        ({"meterStop": 9_000_000}, "CARD"),
        ({"timestamp": "2026-01-01T00:00:00Z"}, "CARD"),
        ({"transactionId": 77}, "CARD"),
    ],
    ids=["another card", "meter below", "meter too far", "earlier", "a number and no card"],
)
def test_case_48_a_stop_that_does_not_surely_belong_is_kept_for_a_person(
    socket: Charger, today: datetime, card: str, fields: dict[str, Any], start_token: str
) -> None:
    began = today - timedelta(hours=1)
    stop = {**stop_of(-1, 9_000, timestamp=at(today)), **fields}
    socket.call("StopTransaction", stop)
    socket.start(start_token, 1_000, timestamp=at(began))
    assert Session.objects.get().state == SessionState.ACTIVE
    # Nor does it end the session when it comes after the start.
    socket.call("StopTransaction", stop)
    assert Session.objects.get().state == SessionState.ACTIVE
    assert ReviewItem.objects.get(resolved_at=None).kind == ReviewItem.Kind.ORPHAN_STOP


def test_case_46_and_50_invented_ids_end_the_session_that_they_fit(
    socket: Charger, station: Station, today: datetime, card: str
) -> None:
    """A charger that never got the answers counts by itself; 1, 2, 3 are sessions long over."""
    make_tariff(station.site.operator, price_per_kwh="10")
    make_id_token("CARD2")
    old = [
        socket.start("X", 0, timestamp=at(today - 9 * DAY))["transactionId"] for _old in range(1)
    ]
    socket.stop(old[0], 10, timestamp=at(today - 9 * DAY))
    began = today - 2 * DAY
    invented = [old[0], -1, 0, "none"]
    for place, number in enumerate(invented):
        first, last = began + timedelta(hours=3 * place), began + timedelta(hours=3 * place + 2)
        for connector, token in ((1, card), (2, "CARD2")):
            meter = connector * 1_000_000 + place * 5_000
            socket.start(token, meter, connectorId=connector, timestamp=at(first))
            reading = measured(first + timedelta(hours=1), meter + 1_000, connectorId=connector)
            assert socket.call("MeterValues", {**reading, "transactionId": number}) == {}
        for connector, token in ((2, "CARD2"), (1, card)):
            meter = connector * 1_000_000 + place * 5_000
            stop = stop_of(0, meter + 5_000, timestamp=at(last), idTag=token)
            socket.call("StopTransaction", {**stop, "transactionId": number})
    sessions = Session.objects.exclude(pk__in=old)
    assert sessions.count() == 2 * len(invented)
    assert set(sessions.values_list("state", "energy_wh", "total_gross", "is_held")) == {
        (SessionState.ENDED, 5_000, Decimal(50), False)
    }
    kinds = ReviewItem.objects.exclude(kind="UNAUTHORIZED").values_list("kind", flat=True)
    assert not kinds


# --- Two days offline ---------------------------------------------------------------------------


def test_case_50_five_hundred_queued_messages_count_in_order_at_the_price_of_their_time(
    socket: Charger, station: Station, today: datetime, card: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten sessions in a row; in the middle of them the price doubles, and now it is 100."""
    told: list[Any] = []
    monkeypatch.setattr("chargepoints.services.status.publish", told.append)
    tariff = make_tariff(station.site.operator, price_per_kwh="5.00").tariff
    began = today - 2 * DAY
    for hours, price in ((20, 10), (47, 100)):
        tariff.versions.create(
            effective_from=began + timedelta(hours=hours), price_per_kwh=Decimal(price)
        )
    # What is so now, and must stay so whatever the queue says of the past.
    socket.call("StatusNotification", status("Available", timestamp=at(today)))
    told.clear()
    commands = Command.objects.count()
    for session in range(10):
        first = began + timedelta(hours=4 * session)
        meter = 10_000 * session
        number = socket.start(card, meter, timestamp=at(first))["transactionId"]
        queued: list[tuple[str, dict[str, Any]]] = [
            ("StatusNotification", status("Charging", timestamp=at(first))),
        ]
        for minute in range(1, 48):
            context = ["Transaction.Begin", "Sample.Periodic", "Transaction.End"][
                (minute > 1) + (minute == 47)
            ]
            sample = {"value": str(meter + 100 * minute), "context": context}
            moment = first + timedelta(minutes=minute)
            queued.append(("MeterValues", measured(moment, sample, transactionId=number)))
        ended = at(first + timedelta(minutes=50))
        queued.append(("StopTransaction", stop_of(number, meter + 5_000, timestamp=ended)))
        queued.append(("StatusNotification", status("Faulted", timestamp=ended)))
        for place, (action, payload) in enumerate(queued):
            socket.send([2, f"{session}-{place}", action, payload])
        answered = [socket.receive() for _message in queued]
        assert [found[:2] for found in answered] == [
            [3, f"{session}-{place}"] for place in range(len(queued))
        ]
    sessions = list(Session.objects.order_by("started_at"))
    assert [found.pk for found in sessions] == sorted(found.pk for found in sessions)
    assert [found.started_at for found in sessions] == [
        began + timedelta(hours=4 * number) for number in range(10)
    ]
    assert {(s.energy_wh, s.is_held, s.state) for s in sessions} == {
        (5_000, False, SessionState.ENDED)
    }
    assert [s.total_gross for s in sessions] == [Decimal(25)] * 5 + [Decimal(50)] * 5
    assert Reading.objects.count() == 470
    contexts = Reading.objects.order_by("measured_at").values_list("context", flat=True)
    assert list(contexts)[::47] == ["Transaction.Begin"] * 10
    assert list(contexts)[46::47] == ["Transaction.End"] * 10
    assert not ReviewItem.objects.exists()
    # Nothing of it is told as if it happened now: no change of status, no command, no fault.
    assert [found for found in told if isinstance(found, ConnectorStatusChanged)] == []
    assert ConnectorStatusEvent.objects.count() == 21
    assert connector_of(station).status == "Available"
    assert Command.objects.count() == commands
    until(lambda: Message.objects.filter(action="StopTransaction", direction="OUT").count() == 10)
