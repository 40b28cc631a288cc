"""A driver's history over the API: pages, and a file."""

import csv
import io
from collections.abc import AsyncIterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from chargepoints.models import Station
from csms.common import clock
from tests.api.charging.support import create
from tests.api.client import ApiClient
from tests.support.factories import (
    make_api_key,
    make_driver,
    make_id_token,
    make_site,
    make_staff,
    make_station,
)
from tests.transactions import support
from transactions.models import Session

pytestmark = pytest.mark.django_db


def history(client: ApiClient, user: User, query: str = "", **options: Any) -> Any:
    return client.json("get", f"/api/transactions/user/{user.pk}{query}", **options)


@pytest.fixture
def past(driver: User, station: Station) -> list[Session]:
    """Five sessions of the driver, a day apart; the last at a site whose name is a formula."""
    make_id_token("CARD1", user=driver)
    evil = make_station(
        "CP-EVIL", site=make_site(station.site.operator, "=1+1, สยาม"), public_code="CODE9"
    )
    made = []
    for day in range(5):
        at = datetime(2026, 11, 1 + day, 4, tzinfo=UTC)
        place = evil if day == 4 else station
        number = support.start(place, at).transaction_id
        support.stop(place, number, at + timedelta(hours=1))
        made.append(Session.objects.get(pk=number))
    return made


def test_history_is_paged_and_filtered(
    app: ApiClient,
    driver: User,
    station: Station,
    past: list[Session],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    failed = create(app, connector_id=2)
    app.call("post", f"/api/transactions/ocpp/{Session.objects.latest('pk').pk}/stop", expect=202)
    with django_assert_num_queries(2):
        first = history(app, driver, "?page_size=4", expect=200)
    rest = app.json("get", first["next"].removeprefix("http://testserver"), expect=200)
    ids = [row["id"] for row in first["results"] + rest["results"]]
    assert ids == [failed["id"], *(str(row.public_id) for row in reversed(past))]
    assert first["results"][0]["failure"]["code"] == "Cancelled"
    days = history(app, driver, "?from=2026-11-02T00:00:00Z&to=2026-11-04T00:00:00%2B07:00")
    assert [row["id"] for row in days["results"]] == [
        str(row.public_id) for row in (past[2], past[1])
    ]
    today = f"{clock.now() - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    assert [row["id"] for row in history(app, driver, f"?from={today}")["results"]] == [
        failed["id"]
    ]
    assert len(history(app, driver, "?state=ENDED&station=code1")["results"]) == 4
    # A driver knows no identities.
    assert history(app, driver, "?station=cp1")["results"] == []
    history(app, driver, "?state=NOPE", expect=400)
    history(app, driver, "?from=yesterday", expect=400)
    history(app, driver, "?cursor=cD1hYmM=", expect=404)


def test_history_is_the_driver_s_and_the_operator_s(
    app: ApiClient, driver: User, station: Station, past: list[Session]
) -> None:
    history(ApiClient.of(make_driver()), driver, expect=404)
    history(ApiClient.of(make_staff(operators=[])), driver, expect=404)
    staff = ApiClient.of(make_staff(operators=[station.site.operator]))
    assert len(history(staff, driver, expect=200)["results"]) == 5
    assert history(staff, driver, "?state=FAILED", expect=200)["results"] == []
    newcomer = make_driver()
    assert history(ApiClient.of(newcomer), newcomer, expect=200)["results"] == []
    app.call("get", f"/api/transactions/user/{2**70}", expect=404)
    _row, raw = make_api_key(("read",))
    history(ApiClient(HTTP_X_API_KEY=raw), driver, expect=403)


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_history_as_a_file_for_spreadsheets(
    app: ApiClient, driver: User, past: list[Session]
) -> None:
    path = f"/api/transactions/user/{driver.pk}"
    answered = app.call("get", path, HTTP_ACCEPT="text/csv", expect=200)
    content = b"".join(answered.streaming_content)
    assert content.startswith("\ufeff".encode()), "Excel takes Thai for Latin letters without."
    assert answered["Content-Type"] == "text/csv; charset=utf-8"
    assert answered["Content-Disposition"] == 'attachment; filename="sessions.csv"'
    assert answered["Cache-Control"] == "private, no-store"
    heading, *rows = read_csv(content)
    assert [row[0] for row in rows] == [str(one.public_id) for one in reversed(past)]
    newest = dict(zip(heading, rows[0], strict=True))
    assert (newest["site"], newest["station"]) == ("'=1+1, สยาม", "CODE9")
    assert (newest["started"], newest["energy (kWh)"]) == ("2026-11-05 11:00:00", "10.000")
    assert newest["total"] == "75.00"
    fewer = app.call("get", f"{path}?station=CODE1", HTTP_ACCEPT="text/csv", expect=200)
    assert len(read_csv(b"".join(fewer.streaming_content))) == 5


def test_a_long_history_is_read_page_by_page(
    app: ApiClient,
    driver: User,
    past: list[Session],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr("transactions.api.history._AT_ONCE", 2)
    answered = app.call(
        "get", f"/api/transactions/user/{driver.pk}", HTTP_ACCEPT="text/csv", expect=200
    )
    with django_assert_num_queries(3):
        content = b"".join(answered.streaming_content)
    assert len(read_csv(content)) == 6


@pytest.mark.django_db(transaction=True)
async def test_the_file_is_streamed_by_an_asynchronous_server_too(driver: User) -> None:
    """Django warns where a server cannot, and warnings are errors here."""
    client = await sync_to_async(ApiClient.of)(driver)
    header = client.defaults["HTTP_AUTHORIZATION"]
    answered = await AsyncClient().get(
        f"/api/transactions/user/{driver.pk}",
        headers={"authorization": header, "accept": "text/csv"},
    )
    content = b"".join([chunk async for chunk in cast("AsyncIterable[bytes]", answered)])
    assert len(read_csv(content)) == 1
    # The thread that read the rows keeps its connection, and with it the database.
    await sync_to_async(connections.close_all)()
