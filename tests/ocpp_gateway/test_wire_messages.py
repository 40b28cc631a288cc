"""Boots, statuses and transactions over a real socket: what is answered and what is stored."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import override_settings

from accounts.domain.states import IdTokenStatus
from chargepoints.models import Connector, ConnectorStatusEvent, Station, StationAnomaly
from chargepoints.services import commands
from ocpp_gateway.services.sending import GATEWAY
from tests.ocpp_gateway.payloads import meter_values, status
from tests.ocpp_gateway.servers import (
    BOOT,
    Charger,
    GatewayServer,
    charger,
    start_of,
    stop_of,
    timestamp,
)
from tests.support.factories import connector_of, make_id_token, make_station, make_tariff
from transactions.domain.states import SessionState
from transactions.models import Reading, ReviewItem, Session


# --- Boot ---------------------------------------------------------------------------------------
def test_case_31_a_pending_charger_gets_only_what_helps_it_to_boot(
    server: GatewayServer, station: Station
) -> None:
    Station.objects.update(registration_status="Pending")
    with charger(server, station) as socket:
        assert socket.boot()["status"] == "Pending"
        refusal = socket.exchange([2, "a", "StartTransaction", start_of("CARD", 1)])
        assert refusal[:2] == [4, "a"]
        assert not Session.objects.exists()
        start = commands.request(station, "start_charging", {"id_token": "CARD"}, actor=GATEWAY)
        commands.request(station, "get_configuration", {}, actor=GATEWAY)
        ours = socket.receive()
        assert ours[2] == "GetConfiguration"
        socket.send([3, ours[1], {"configurationKey": []}])
        start.refresh_from_db()
        assert start.status == "FAILED"


def test_case_32_nothing_is_sent_before_the_boot_is_answered(
    server: GatewayServer, station: Station
) -> None:
    commands.request(station, "clear_cache", {}, actor=GATEWAY)
    with charger(server, station) as socket:
        with pytest.raises(TimeoutError):
            socket.receive(timeout=1.5)  # longer than a tick
        socket.send([2, "boot", "BootNotification", BOOT])
        assert socket.receive()[:2] == [3, "boot"]
        assert socket.receive()[2] == "ClearCache"


@override_settings(OCPP_BOOT_GRACE_SECONDS=0)
def test_case_32_and_82_a_charger_that_does_not_boot_is_online_and_asked_to(
    server: GatewayServer, station: Station
) -> None:
    with charger(server, station) as socket:
        ours = socket.receive()
        assert ours[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
        assert socket.call("StartTransaction", start_of("CARD", 1))["transactionId"]


def test_case_33_and_34_odd_boots_are_accepted_and_noted(socket: Charger, station: Station) -> None:
    answer = socket.boot(chargePointSerialNumber="9" * 26, chargePointModel="", custom=1)
    assert answer["status"] == "Accepted"
    socket.boot(chargePointVendor="<script>alert(1)</script>")
    kinds = set(StationAnomaly.objects.values_list("kind", flat=True))
    assert "identity_changed" in kinds
    assert Station.objects.get().serial_number == "9" * 26


# --- Status -------------------------------------------------------------------------------------
def test_case_35_connectors_appear_by_themselves_exactly_once(
    server: GatewayServer, station: Station
) -> None:
    fresh = make_station(connectors=0)
    with charger(server, fresh) as socket:
        socket.boot()
        for number in range(11):
            socket.send([2, f"s{number}", "StatusNotification", status(connector=number)])
            socket.send([2, f"t{number}", "StatusNotification", status(connector=number)])
        assert [socket.receive()[0] for _answer in range(22)] == [3] * 22
    assert Connector.objects.filter(evse__station=fresh).count() == 10
    fresh.refresh_from_db()
    assert fresh.status == "Available"


def test_case_36_an_older_status_is_history_only(socket: Charger, station: Station) -> None:
    socket.call("StatusNotification", status("Charging", timestamp=timestamp()))
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    socket.call("StatusNotification", status("Preparing", timestamp=earlier))
    assert connector_of(station).status == "Charging"
    socket.call("StatusNotification", status("Finishing"))
    assert connector_of(station).status == "Finishing"
    assert ConnectorStatusEvent.objects.count() == 3


# --- Transactions -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("token", "answer"),
    [("GOOD", "Accepted"), ("BAD", "Blocked"), ("OLD", "Expired"), ("NOBODY", "Invalid")],
)
def test_case_42_every_start_is_stored_whatever_the_card(
    socket: Charger, token: str, answer: str
) -> None:
    make_id_token("good")
    make_id_token("bad", status=IdTokenStatus.BLOCKED)
    make_id_token("old", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert socket.call("Authorize", {"idTag": token})["idTagInfo"]["status"] == answer
    began = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    started = socket.start(token, 100, timestamp=began)
    assert started["idTagInfo"]["status"] == answer
    socket.stop(started["transactionId"], 5_100)
    session = Session.objects.get(pk=started["transactionId"])
    assert (session.id_token_value, session.state) == (token, SessionState.ENDED)
    assert (session.energy_wh, session.is_held) == (5_000, False)
    flags = ReviewItem.objects.filter(session=session, kind=ReviewItem.Kind.UNAUTHORIZED)
    assert flags.exists() == (answer != "Accepted")


def test_case_43_a_start_closes_the_session_before_it_and_says_so(socket: Charger) -> None:
    first = socket.start("A", 100)["transactionId"]
    second = socket.start("C", 200)["transactionId"]
    assert first != second
    ended = Session.objects.get(pk=first)
    assert (ended.state, ended.end_reason) == (SessionState.ENDED, "Superseded")
    flag = ReviewItem.objects.get(session=ended, kind=ReviewItem.Kind.SUPERSEDED)
    assert json.loads(flag.raw["frame"])[3]["idTag"] == "C"
    assert Session.objects.get(pk=second).state == SessionState.ACTIVE


def test_case_44_starts_in_the_same_millisecond_have_two_ids(socket: Charger) -> None:
    """The same card, meter and time, sent at once; only the connector differs."""
    start = start_of("A", 100)
    for connector in (1, 2):
        payload = {**start, "connectorId": connector}
        socket.send([2, f"c{connector}", "StartTransaction", payload])
    first, second = socket.receive(), socket.receive()
    assert (first[:2], second[:2]) == ([3, "c1"], [3, "c2"])
    assert first[2]["transactionId"] != second[2]["transactionId"]
    assert Session.objects.filter(state=SessionState.ACTIVE).count() == 2


def test_case_45_and_47_a_stop_is_always_answered_and_counts_once(
    socket: Charger, station: Station
) -> None:
    make_tariff(station.site.operator, price_per_kwh="10")
    make_id_token("CARD", group="FLEET")
    make_id_token("OTHER", group="FLEET")
    began = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    transaction = socket.start("CARD", 1000, timestamp=began)["transactionId"]
    stop = stop_of(transaction, 11_500, idTag="OTHER")
    assert socket.call("StopTransaction", stop)["idTagInfo"]["status"] == "Accepted"
    assert "idTagInfo" not in socket.stop(transaction, 11_500, timestamp=stop["timestamp"])
    socket.call("StopTransaction", stop)
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 10_500)
    assert (session.total_gross, session.cost_lines.count()) == (Decimal("105.00"), 1)
    assert session.events.filter(kind="ended").count() == 1
    assert not ReviewItem.objects.exists()


def test_case_45_a_stop_with_an_unrelated_card_or_none_is_stored(socket: Charger) -> None:
    make_id_token("CARD", group="FLEET")
    make_id_token("STRANGER", group="ELSE")
    first = socket.start("CARD", 0)["transactionId"]
    assert socket.stop(first, 10) == {}
    second = socket.start("CARD", 10)["transactionId"]
    assert socket.stop(second, 20, idTag="STRANGER")["idTagInfo"]["status"] == "Invalid"
    assert set(Session.objects.values_list("state", "energy_wh")) == {(SessionState.ENDED, 10)}
    flag = ReviewItem.objects.get(kind=ReviewItem.Kind.UNRELATED_STOP)
    assert flag.session_id == second
    assert json.loads(flag.raw["frame"])[3]["idTag"] == "STRANGER"


def test_case_46_a_stop_of_nothing_is_answered_and_kept(socket: Charger) -> None:
    for transaction in (-1, 0, 987_654_321):
        assert isinstance(socket.stop(transaction, 5), dict)
    assert ReviewItem.objects.filter(kind=ReviewItem.Kind.ORPHAN_STOP).count() == 3


def test_case_55_readings_find_their_session(socket: Charger, station: Station) -> None:
    socket.call("MeterValues", meter_values(1))
    transaction = socket.start()["transactionId"]
    foreign = make_station()
    stranger = Session.objects.create(
        station=foreign,
        connector=connector_of(foreign),
        state=SessionState.ACTIVE,
        started_at=datetime.now(UTC),
    )
    for energy, fields in [
        (2, {"transactionId": transaction}),
        (3, {}),
        (4, {"transactionId": 0}),
        (5, {"transactionId": stranger.pk}),
        (6, {"connectorId": 2}),
        (7, {"connectorId": 0}),
        (8, {"connectorId": 77}),
    ]:
        socket.call("MeterValues", meter_values(energy, **fields))
    stored = dict(Reading.objects.values_list("energy_wh", "session_id"))
    assert stored == {
        1: None,
        **dict.fromkeys([2, 3, 4, 5], transaction),
        **dict.fromkeys([6, 7, 8]),
    }
    connectors = dict(Reading.objects.values_list("energy_wh", "connector_id"))
    assert connectors[2] == connector_of(station).pk
    assert connectors[6] == connector_of(station, 2).pk
    assert connectors[7] is connectors[8] is None
