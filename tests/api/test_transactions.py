"""Sessions, authorization and prices over the API."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Operator
from chargepoints.models import Station
from tests.api.client import ApiClient
from tests.support.factories import (
    make_driver,
    make_id_token,
    make_site,
    make_station,
    make_tariff,
)
from transactions.domain.inputs import SessionStart, SessionStop
from transactions.models import Session, Tariff
from transactions.services.starts import start_session
from transactions.services.stops import stop_session

pytestmark = pytest.mark.django_db
STARTED = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture
def station(operator: Operator) -> Station:
    make_tariff(operator, price_per_kwh="7.50", price_per_session="10")
    return make_station("CP1", site=make_site(operator), connectors=2)


def start(station: Station, token: str = "CARD1", evse_id: int = 1) -> Session:
    answer = start_session(
        station.pk,
        SessionStart(
            received_at=STARTED,
            evse_id=evse_id,
            connector_id=1,
            id_token=token,
            started_at=STARTED,
            meter_start_wh=1000,
        ),
    )
    return Session.objects.get(pk=answer.transaction_id)


def stop(session: Session, meter_stop_wh: int = 11_500) -> Session:
    ended = STARTED + timedelta(hours=1)
    stop_session(
        session.station_id,
        SessionStop(
            received_at=ended,
            transaction_id=str(session.pk),
            ended_at=ended,
            meter_stop_wh=meter_stop_wh,
            reason="Local",
        ),
    )
    session.refresh_from_db()
    return session


def test_summary_of_a_priced_session(
    as_staff: ApiClient, station: Station, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_id_token("CARD1")
    session = stop(start(station))
    with django_assert_num_queries(6):
        shown = as_staff.json("get", f"/api/transactions/{session.public_id}/summary", expect=200)
    assert (shown["energy_wh"], shown["duration_seconds"]) == (10_500, 3600)
    assert (shown["total_gross"], shown["currency"]) == ("88.75", "THB")
    assert [(line["kind"], line["gross"]) for line in shown["lines"]] == [
        ("ENERGY", "78.75"),
        ("SESSION", "10.00"),
    ]
    assert shown["lines"][0]["from"] == "2026-11-20T04:00:00Z"
    assert shown["is_final"] is True
    assert shown["transaction_id"] == str(session.pk)


def test_a_running_session_is_not_final(as_staff: ApiClient, station: Station) -> None:
    session = start(station, token="UNKNOWN")
    shown = as_staff.json("get", f"/api/transactions/{session.public_id}/summary", expect=200)
    assert (shown["is_final"], shown["state"], shown["total_gross"]) == (False, "ACTIVE", None)
    assert shown["duration_seconds"] > 0
    assert [flag["kind"] for flag in shown["review"]] == ["UNAUTHORIZED"]


def test_a_driver_sees_the_own_sessions_only(station: Station) -> None:
    driver, stranger = make_driver(), make_driver()
    make_id_token("CARD1", user=driver)
    path = f"/api/transactions/{start(station).public_id}/summary"
    ApiClient.of(driver).call("get", path, expect=200)
    ApiClient.of(stranger).call("get", path, expect=404)
    ApiClient().call("get", path, expect=401)
    ApiClient.of(driver).call("get", "/transactions", expect=403)


def test_partners_page_through_sessions(
    with_key: ApiClient, station: Station, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = [stop(start(station, token=f"CARD{number}")) for number in range(5)]
    with_key.call("get", "/transactions", expect=200)
    with django_assert_num_queries(2):
        first = with_key.json("get", "/transactions?page_size=3", expect=200)
    path = first["next"].removeprefix("http://testserver")
    second = with_key.json("get", path, expect=200)
    seen = [row["id"] for row in first["results"] + second["results"]]
    assert seen == [str(session.public_id) for session in reversed(made)]
    one = with_key.json("get", f"/transactions?transaction_id={made[1].pk}", expect=200)
    assert [row["id"] for row in one["results"]] == [str(made[1].public_id)]
    with_key.call("get", f"/transactions/{made[0].public_id}", expect=200)
    with_key.call("get", "/transactions?cursor=cD1hYmM=", expect=404)
    with_key.call("get", "/transactions?state=NOPE", expect=400)


def test_may_this_token_charge(with_key: ApiClient, station: Station) -> None:
    make_id_token("CARD1")
    make_id_token("BLOCKED", status="BLOCKED")

    def ask(token: str, evse_id: int | None = None) -> str:
        body = {"identity": "CP1", "id_token": token, "evse_id": evse_id}
        answer = with_key.json("post", "/api/transactions/authorize", body, expect=200)
        assert answer["allowed"] is (answer["status"] == "Accepted")
        return str(answer["status"])

    assert [ask("card1"), ask("BLOCKED"), ask("NOPE")] == ["Accepted", "Blocked", "Invalid"]
    start(station, evse_id=1)
    assert ask("CARD1", 1) == "Accepted"
    assert ask("CARD1", 2) == "ConcurrentTx"


def test_pricing_assigns_a_tariff_with_new_prices(
    as_staff: ApiClient, with_key: ApiClient, station: Station, operator: Operator
) -> None:
    night = make_tariff(operator, name="Night", price_per_kwh="4", is_default=False).tariff
    path, later = "/api/chargepoints/CP1/pricing", "2099-01-01T00:00:00+07:00"
    answer = as_staff.json(
        "put",
        path,
        {
            "tariff": night.pk,
            "evse_id": 2,
            "effective_from": later,
            "version": {
                "price_per_kwh": "4.5",
                "windows": [
                    {
                        "name": "Night",
                        "weekdays": [1, 2],
                        "starts_at": "22:00",
                        "ends_at": "09:00",
                        "price_per_kwh": "3.25",
                    }
                ],
            },
        },
        expect=200,
    )
    prices = {t["evse_id"]: t["tariff"]["price_per_kwh"] for t in answer["tariffs"]}
    assert prices == {1: "7.5000", 2: "4.5000"}
    assert answer["tariffs"][1]["tariff"]["windows"][0]["price_per_kwh"] == "3.2500"
    foreign = make_tariff().tariff
    problem = as_staff.json("put", path, {"tariff": foreign.pk}, expect=400)
    assert problem["errors"][0]["field"] == "tariff"
    for amount in ("-1", "NaN", "1e9", "0.00001"):
        body = {"tariff": night.pk, "version": {"price_per_kwh": amount}}
        as_staff.call("put", path, body, expect=400)
    with_key.call("put", path, {"tariff": night.pk}, expect=403)


def test_pricing_makes_a_tariff_that_has_a_name_and_prices(
    as_staff: ApiClient, station: Station, operator: Operator
) -> None:
    path = "/api/chargepoints/CP1/pricing"
    problem = as_staff.json("put", path, {"name": "Weekend"}, expect=400)
    assert problem["errors"][0]["field"] == "version"
    for body in ({}, {"tariff": 1, "name": "Weekend"}):
        problem = as_staff.json("put", path, body, expect=400)
        assert problem["errors"][0]["field"] == "tariff"
    assert not Tariff.objects.filter(name="Weekend").exists()
    new = {"name": "Weekend", "version": {"price_per_kwh": "5"}}
    answer = as_staff.json("put", path, new, expect=200)
    assert {t["tariff"]["price_per_kwh"] for t in answer["tariffs"]} == {"5.0000"}
    tariff = Tariff.objects.get(name="Weekend")
    assert tariff.operator == operator
    again = as_staff.json("put", path, {"name": "Weekend"}, expect=200)
    assert {t["tariff"]["id"] for t in again["tariffs"]} == {tariff.pk}
