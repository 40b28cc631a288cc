"""A driver's reservations over the API."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from chargepoints.domain.states import CommandStatus, ConnectorStatus
from chargepoints.models import Command, Connector, Station
from csms.common import clock
from tests.api.charging.support import CREATE, asked, create, start
from tests.api.client import ApiClient
from tests.support.factories import (
    make_driver,
    make_staff,
)
from tests.transactions import support
from tests.transactions.drivers import answer
from transactions.models import Reservation, Session

pytestmark = pytest.mark.django_db


def until(minutes: float) -> str:
    return (clock.now() + timedelta(minutes=minutes)).isoformat()


def reserve(app: ApiClient, expect: int = 202, **fields: Any) -> dict[str, Any]:
    body = {"identity": "CODE1", "expires_at": until(20), **fields}
    made: dict[str, Any] = app.json("post", "/api/reservations", body, expect=expect)
    return made


def test_a_driver_reserves_a_place_and_charges_there(app: ApiClient, station: Station) -> None:
    made = reserve(app)
    assert (made["state"], made["evse_id"]) == ("REQUESTED", 1)
    answer(Command.objects.get(name="reserve"), CommandStatus.ACCEPTED)
    Connector.objects.filter(evse__evse_id=1).update(status=ConnectorStatus.RESERVED.value)
    path = f"/api/reservations/{made['id']}"
    assert app.json("get", path, expect=200)["state"] == "ACTIVE"
    stranger = ApiClient.of(make_driver())
    problem = stranger.json("post", CREATE, asked(), expect=409)
    assert problem["code"] == "connector_reserved"
    session = create(app)
    start(app, session)
    row = Session.objects.get()
    number = Reservation.objects.get().reservation_id
    support.start(station, token=row.id_token_value, reservation_id=number)
    used = app.json("get", path, expect=200)
    assert (used["state"], used["session_id"]) == ("USED", session["id"])
    assert app.json("delete", path, expect=202)["state"] == "USED"


def test_a_reservation_that_has_not_gone_out_is_gone_at_once(
    app: ApiClient, station: Station
) -> None:
    made = reserve(app)
    gone = app.json("delete", f"/api/reservations/{made['id']}", expect=202)
    assert gone["state"] == "CANCELLED"
    assert Command.objects.get().status == "CANCELLED"
    reserve(app)


def test_the_charger_is_asked_once_to_let_a_place_go(app: ApiClient, station: Station) -> None:
    made = reserve(app)
    answer(Command.objects.get(), CommandStatus.ACCEPTED)
    path = f"/api/reservations/{made['id']}"
    assert app.json("delete", path, expect=202)["state"] == "ACTIVE"
    app.json("delete", path, expect=202)
    asked_to = Command.objects.get(name="cancel_reservation")
    answer(asked_to, CommandStatus.ACCEPTED, epoch=2)
    assert app.json("get", path, expect=200)["state"] == "CANCELLED"


def test_reservations_are_few_short_and_the_driver_s_own(app: ApiClient, station: Station) -> None:
    made = reserve(app)
    assert reserve(app, 409, connector_id=2)["code"] == "too_many_reservations"
    other = ApiClient.of(make_driver())
    assert reserve(other, 409)["code"] == "connector_reserved"
    for minutes in (-5, 0, 61, 60 * 24 * 40):
        problem = reserve(other, 400, connector_id=2, expires_at=until(minutes))
        assert problem["errors"][0]["field"] == "expires_at"
    reserve(other, connector_id=2)
    path = f"/api/reservations/{made['id']}"
    other.call("get", path, expect=404)
    other.call("delete", path, expect=404)
    assert Reservation.objects.get(public_id=made["id"]).state == "REQUESTED"
    assert len(other.json("get", "/api/reservations", expect=200)["results"]) == 1
    staff = ApiClient.of(make_staff(operators=[station.site.operator]))
    staff.call("get", "/api/reservations", expect=403)
    staff.call("get", path, expect=403)


def test_a_list_of_reservations_takes_two_queries(
    app: ApiClient, station: Station, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(3):
        made = reserve(app)
        app.call("delete", f"/api/reservations/{made['id']}", expect=202)
    with django_assert_num_queries(2):
        shown = app.json("get", "/api/reservations?page_size=2", expect=200)
    assert len(shown["results"]) == 2
    assert shown["next"]
