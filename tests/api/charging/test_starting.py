"""A driver's sessions over the API: created, started, stopped, and whose they are."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from chargepoints.domain.states import CommandStatus, ConnectorStatus
from chargepoints.models import Command, Connector, Station
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.models import IdempotencyRecord
from tests.api.charging.support import CREATE, TAMPERED, asked, begun, create, start, version
from tests.api.client import ApiClient
from tests.support.factories import (
    connector_of,
    make_api_key,
    make_driver,
    make_id_token,
    make_staff,
    make_station,
)
from tests.transactions import support
from tests.transactions.drivers import answer, make_ready_station
from transactions.models import Session, TariffVersion
from transactions.services.tariffs import create_version

pytestmark = pytest.mark.django_db


# --- Creating and starting ----------------------------------------------------------------------
def test_from_the_code_on_the_charger_to_a_running_session(
    app: ApiClient, station: Station, driver: User
) -> None:
    shown = app.json("get", "/api/chargepoints/CODE1", expect=200)
    evse, tariff = shown["evses"][0], shown["tariffs"][0]["tariff"]
    body = {"public_code": evse["public_code"].lower(), "tariff_version_id": tariff["version_id"]}
    session = app.json("post", CREATE, body, expect=201)
    assert (session["state"], session["tariff"]["price_per_kwh"]) == ("PENDING", "7.5000")
    assert app.json("post", CREATE, body, expect=200)["id"] == session["id"]
    started = start(app, session)
    assert (started["state"], started["start_request"]["status"]) == ("STARTING", "QUEUED")
    assert start(app, session)["start_request"] == started["start_request"]
    row = Session.objects.get()
    answer(Command.objects.get(), CommandStatus.ACCEPTED)
    support.start(station, token=row.id_token_value)
    summary = app.json("get", f"/api/transactions/{session['id']}/summary", expect=200)
    assert (summary["state"], summary["payments"], summary["documents"]) == ("ACTIVE", [], [])
    assert summary["start_request"]["status"] == "ACCEPTED"
    assert summary["price_so_far"] == {"net": "0.00", "tax": "0.00", "gross": "0.00"}


def test_by_number_the_flat_one_is_that_of_the_evse(app: ApiClient, station: Station) -> None:
    session = create(app, connector_id=2)
    assert (session["evse_id"], session["connector_id"]) == (2, 1)
    exact = app.json("post", CREATE, asked(evse_id=2, connector_id=1), expect=200)
    assert exact["id"] == session["id"]
    app.call("post", CREATE, asked(evse_id=2, connector_id=2), expect=404)
    app.call("post", CREATE, asked(identity="NOBODY"), expect=404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"identity": "CODE1"},
        {"identity": "CODE1", "public_code": "K7M2Q9X", "tariff_version_id": 1},
        {"tariff_version_id": 1},
        {"identity": "CODE1", "tariff_version_id": "one"},
        {"identity": "CODE1", "tariff_version_id": 2**63},
        {"identity": "CODE1", "connector_id": 0, "tariff_version_id": 1},
        [],
    ],
)
def test_what_cannot_be_read_is_refused(body: Any, app: ApiClient, station: Station) -> None:
    assert app.json("post", CREATE, body, expect=400)["errors"]


@pytest.mark.parametrize("price", ["-7.5", "NaN", "Infinity", "1e18", "7.50001", "", None, [], {}])
def test_T58_a_price_that_is_none_is_refused(price: Any, app: ApiClient, station: Station) -> None:
    app.call("post", CREATE, {"identity": "CODE1", "price_per_kwh": price}, expect=400)
    assert not Session.objects.exists()


@pytest.mark.parametrize("price", ["0", "0.001", "7.4999", "7.51"])
def test_T58_a_price_that_is_not_ours_starts_nothing(
    price: str, app: ApiClient, station: Station
) -> None:
    body = {"identity": "CODE1", "price_per_kwh": price}
    problem = app.json("post", CREATE, body, expect=409)
    assert (problem["code"], problem["price_per_kwh"]) == ("price_changed", "7.5000")
    assert not Session.objects.exists()
    app.call("post", CREATE, {**body, "price_per_kwh": "7.50"}, expect=201)


def test_a_changed_price_is_answered_with_the_new_one(app: ApiClient, station: Station) -> None:
    old = version()
    new = create_version(
        old.tariff,
        actor=SystemActor("test"),
        effective_from=clock.now() - timedelta(seconds=1),
        price_per_kwh=Decimal("9"),
    )
    problem = app.json("post", CREATE, asked(tariff_version_id=old.pk), expect=409)
    assert problem["code"] == "price_changed"
    assert problem["tariff"]["version_id"] == new.pk
    assert problem["tariff"]["price_per_kwh"] == "9.0000"
    create(app)


def test_T56_nothing_but_the_tariff_sets_the_price(
    app: ApiClient, station: Station, driver: User
) -> None:
    session = app.json("post", CREATE, {**asked(), **TAMPERED}, expect=201)
    assert (session["state"], session["currency"]) == ("PENDING", "THB")
    path = f"/api/transactions/{session['id']}"
    app.call("post", f"{path}/start", TAMPERED, expect=202)
    row = Session.objects.get()
    now = clock.now()
    support.start(station, now - timedelta(hours=1), token=row.id_token_value, received_at=now)
    app.call("post", f"/api/transactions/ocpp/{row.pk}/stop", TAMPERED, expect=202)
    support.stop(station, row.pk, now)
    app.call("post", f"{path}/payment", {"method": "CARD", **TAMPERED}, expect=409)
    row.refresh_from_db()
    assert (row.driver, row.is_waived, row.energy_wh) == (driver, False, 10_000)
    assert (row.total_gross, row.currency) == (Decimal("75.00"), "THB")
    foreign = make_ready_station("CP2")
    cheap = TariffVersion.objects.get(tariff__operator=foreign.site.operator)
    problem = app.json("post", CREATE, asked(tariff_version_id=cheap.pk), expect=409)
    assert problem["code"] == "price_changed"


def test_T59_a_key_makes_one_start_of_many(app: ApiClient, station: Station) -> None:
    session = create(app)
    path, key = f"/api/transactions/{session['id']}/start", str(uuid4())
    first = app.call("post", path, expect=202, HTTP_IDEMPOTENCY_KEY=key)
    answer(Command.objects.get(), CommandStatus.REJECTED)
    again = app.call("post", path, expect=202, HTTP_IDEMPOTENCY_KEY=key)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert Command.objects.count() == 1
    app.call("post", path, {"other": 1}, expect=422, HTTP_IDEMPOTENCY_KEY=key)
    problem = app.json("post", path, expect=409)
    assert problem["code"] == "session_not_pending"
    shown = app.json("get", f"/api/transactions/{session['id']}/summary", expect=200)
    assert shown["failure"]["code"] == "StartRejected"
    assert "plugged in" in shown["failure"]["detail"]
    thai = app.json("get", f"/api/transactions/{session['id']}/summary", HTTP_ACCEPT_LANGUAGE="th")
    assert "เสียบ" in thai["failure"]["detail"]


def test_a_key_is_bound_to_its_caller_and_freed_by_a_refusal(
    app: ApiClient, station: Station
) -> None:
    key = "the-same-key"
    made = app.json("post", CREATE, asked(), expect=201, HTTP_IDEMPOTENCY_KEY=key)
    assert app.json("post", CREATE, asked(), HTTP_IDEMPOTENCY_KEY=key) == made
    other = ApiClient.of(make_driver())
    other.call("post", CREATE, asked(), expect=409, HTTP_IDEMPOTENCY_KEY=key)
    other.call("post", CREATE, asked(connector_id=2), expect=201, HTTP_IDEMPOTENCY_KEY=key)
    assert IdempotencyRecord.objects.count() == 2
    app.call("post", CREATE, asked(), expect=400, HTTP_IDEMPOTENCY_KEY="x" * 300)


def test_creating_takes_a_fixed_number_of_statements(
    app: ApiClient, station: Station, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    create(app, connector_id=2)
    Session.objects.update(state="CANCELLED")
    with django_assert_num_queries(20):
        app.call("post", CREATE, asked(), expect=201)


# --- Whose it is --------------------------------------------------------------------------------
def test_staff_and_keys_start_nothing_as_drivers(station: Station) -> None:
    staff = ApiClient.of(make_staff(operators=[station.site.operator]))
    _row, raw = make_api_key(("read", "gateway", "operate"))
    for client in (staff, ApiClient(HTTP_X_API_KEY=raw)):
        client.call("post", CREATE, asked(), expect=403)
    ApiClient().call("post", CREATE, asked(), expect=401)


def test_another_driver_s_session_is_not_there(app: ApiClient, station: Station) -> None:
    row = begun(app, station)
    stranger = ApiClient.of(make_driver())
    path = f"/api/transactions/{row.public_id}"
    stranger.call("post", f"{path}/start", expect=404)
    stranger.call("get", f"{path}/live", expect=404)
    stranger.call("post", f"{path}/live-ticket", expect=404)
    stranger.call("post", f"{path}/payment", {"method": "CARD"}, expect=404)
    stranger.call("get", f"{path}/summary", expect=404)
    assert not Command.objects.filter(name="stop_charging").exists()


def test_transaction_numbers_of_others_are_not_there_whatever_they_are(
    app: ApiClient, station: Station
) -> None:
    row = begun(app, station)
    stranger = ApiClient.of(make_driver())
    foreign_staff = ApiClient.of(make_staff(operators=[]))
    answers = set()
    for number in (str(row.pk), str(row.pk + 1), "0", "-1", "abc", "%00", str(2**63), "9" * 300):
        for client in (stranger, foreign_staff):
            body = client.json("post", f"/api/transactions/ocpp/{number}/stop", expect=404)
            answers.add((body["code"], body["detail"]))
    assert len(answers) == 1, "Nothing tells a session of somebody else from none."


# --- Stopping -----------------------------------------------------------------------------------
def test_the_driver_and_the_operator_s_staff_stop_a_session(
    app: ApiClient, station: Station
) -> None:
    row = begun(app, station)
    path = f"/api/transactions/ocpp/{row.pk}/stop"
    asked_to = app.json("post", path, expect=202)
    assert (asked_to["state"], asked_to["stop_request"]["status"]) == ("ACTIVE", "QUEUED")
    staff = ApiClient.of(make_staff(operators=[station.site.operator]))
    again = staff.json("post", path, {"reason": "The driver called."}, expect=202)
    assert again["stop_request"] == asked_to["stop_request"]
    support.stop(station, row.pk, clock.now())
    assert app.json("post", path, expect=202)["state"] == "ENDED"


def test_a_number_of_the_charger_s_own_is_the_one_that_runs(
    app: ApiClient, station: Station, driver: User
) -> None:
    """OCPP 2.x: chargers count for themselves, and two may have the same number."""
    for number, state in ((1, "ACTIVE"), (2, "ENDED")):
        other = make_station(f"V2-{number}", site=station.site)
        Session.objects.create(
            station=other,
            connector=connector_of(other),
            ocpp_transaction_id="tx-1",
            driver=driver,
            state=state,
            started_at=clock.now(),
            ended_at=clock.now() if state == "ENDED" else None,
        )
    stopped = app.json("post", "/api/transactions/ocpp/tx-1/stop", expect=202)
    assert stopped["state"] == "ACTIVE"
    assert Command.objects.get().parameters == {"transaction_id": "tx-1"}


# --- May I? -------------------------------------------------------------------------------------
def test_a_driver_asks_before_plugging_in(app: ApiClient, station: Station, driver: User) -> None:
    path = "/api/transactions/authorize"

    def ask(**fields: Any) -> tuple[bool, str, str | None]:
        found = app.json("post", path, {"identity": "CODE1", **fields}, expect=200)
        return found["allowed"], found["status"], found["obstacle"]

    assert ask() == (True, "Accepted", None)
    assert ask(evse_id=1) == (True, "Accepted", None)
    Connector.objects.filter(evse__evse_id=1).update(status=ConnectorStatus.FAULTED.value)
    assert ask(evse_id=1) == (False, "Accepted", "connector_unavailable")
    begun(app, station, connector_id=2)
    assert ask(evse_id=2)[2] == "connector_in_use"
    make_id_token("MINE", user=driver)
    make_id_token("THEIRS", user=make_driver())
    make_id_token("NOBODYS")
    assert ask(id_token="MINE")[:2] == (True, "Accepted")
    assert ask(id_token="THEIRS") == ask(id_token="NOBODYS") == ask(id_token="UNKNOWN")
    app.call("post", path, {"identity": "CODE1", "evse_id": 9}, expect=404)
