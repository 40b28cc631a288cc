"""What a driver keeps here: vehicles, favourites, consents, preferences, devices."""

from typing import Any

import pytest

from accounts.domain.vehicles import ConnectorType
from accounts.models import ConsentRecord, User, Vehicle
from accounts.selectors import consents as consent_rows
from chargepoints.models import Connector, Favourite, Station
from csms.common import clock
from csms.common.models import AuditEntry
from notifications.domain.preferences import DEFAULTS, Topic, Way
from notifications.models import NotificationPreference, PushDevice
from notifications.selectors import preferences
from notifications.services.devices import MOST_DEVICES
from tests.api.client import ApiClient
from tests.api.hostile_fields import every_field_of
from tests.support.factories import (
    make_driver,
    make_site,
    make_station,
    make_vehicle,
)

pytestmark = pytest.mark.django_db

CAR: dict[str, Any] = {
    "plate": "1กข1234",
    "province": "bangkok",
    "connector_type": "CCS2",
    "make": "BYD",
    "battery_kwh": 60.5,
}
DEVICE = {"platform": "IOS", "token": "a" * 64, "name": "iPhone"}
# One path of each kind that is a driver's own, and what it is called with.
OWN = [
    ("get", "/api/vehicles", None),
    ("post", "/api/vehicles", CAR),
    ("get", "/api/favourites", None),
    ("get", "/api/id-tokens", None),
    ("post", "/api/id-tokens/link", {"code": "7K3F-XW9D-Q2MZ"}),
    ("get", "/api/consents", None),
    ("get", "/api/notification-preferences", None),
    ("get", "/api/push-devices", None),
    ("post", "/api/push-devices", DEVICE),
]


@pytest.mark.parametrize(("method", "path", "body"), OWN)
def test_only_drivers_have_these(
    method: str,
    path: str,
    body: Any,
    anonymous: ApiClient,
    as_staff: ApiClient,
    with_key: ApiClient,
) -> None:
    anonymous.call(method, path, body, expect=401)
    as_staff.call(method, path, body, expect=403)
    with_key.call(method, path, body, expect=403)


# --- Vehicles -----------------------------------------------------------------------------------
def test_a_vehicle_is_added_changed_and_removed(as_driver: ApiClient, driver: User) -> None:
    made = as_driver.json("post", "/api/vehicles", CAR, expect=201)
    assert made["plate"] == "1กข 1234"
    assert made["province"] == {"code": "10", "name_th": "กรุงเทพมหานคร", "name_en": "Bangkok"}
    assert made["battery_kwh"] == "60.5"
    assert made["is_default"] is True
    path = f"/api/vehicles/{made['id']}"
    changed = as_driver.json("put", path, {**CAR, "model": "Atto 3", "province": "20"}, expect=200)
    assert (changed["model"], changed["province"]["name_en"]) == ("Atto 3", "Chonburi")
    assert changed["is_default"] is True
    assert as_driver.json("get", path, expect=200) == changed
    as_driver.call("delete", path, expect=204)
    as_driver.call("get", path, expect=404)
    assert AuditEntry.objects.filter(actor=driver, action__startswith="vehicle.").count() == 3


@pytest.mark.parametrize(
    ("given", "plate"),
    [
        ("กข 1", "กข 1"),
        ("๙กก-๙๙๙๙", "9กก 9999"),
        ("70-1234", "70-1234"),
        ("สวย 9999", "สวย 9999"),
        (" 4ขค   55 ", "4ขค 55"),
    ],
)
def test_plates_have_one_spelling(as_driver: ApiClient, given: str, plate: str) -> None:
    made = as_driver.json("post", "/api/vehicles", {**CAR, "plate": given}, expect=201)
    assert made["plate"] == plate


@pytest.mark.parametrize(
    "plate", ["ABC 1234", "1กข", "1234", "1กข12345", "กข 0๑๑๑๑๑", "=1กข 1", ""]
)
def test_what_is_no_plate_is_refused(as_driver: ApiClient, plate: str) -> None:
    problem = as_driver.json("post", "/api/vehicles", {**CAR, "plate": plate}, expect=400)
    assert [error["field"] for error in problem["errors"]] == ["plate"]


def test_every_wrong_field_is_named(as_driver: ApiClient) -> None:
    wrong = {**CAR, "plate": "x", "province": "Atlantis"}
    problem = as_driver.json("post", "/api/vehicles", wrong, expect=400)
    assert [error["field"] for error in problem["errors"]] == ["province", "plate"]
    for field, value in [("battery_kwh", -1), ("battery_kwh", 1e18), ("connector_type", "Plug")]:
        problem = as_driver.json("post", "/api/vehicles", {**CAR, field: value}, expect=400)
        assert [error["field"] for error in problem["errors"]] == [field]


def test_the_same_plate_twice_is_refused_and_anothers_is_not(
    as_driver: ApiClient, as_other_driver: ApiClient
) -> None:
    as_driver.call("post", "/api/vehicles", CAR, expect=201)
    problem = as_driver.json("post", "/api/vehicles", CAR, expect=409)
    assert problem["code"] == "vehicle_exists"
    as_driver.call("post", "/api/vehicles", {**CAR, "province": "20"}, expect=201)
    as_other_driver.call("post", "/api/vehicles", CAR, expect=201)


def test_one_vehicle_is_the_default(as_driver: ApiClient, driver: User) -> None:
    first = as_driver.json("post", "/api/vehicles", CAR, expect=201)
    second = as_driver.json(
        "post", "/api/vehicles", {**CAR, "plate": "กข 2", "is_default": True}, expect=201
    )
    assert str(Vehicle.objects.get(driver=driver, is_default=True).pk) == second["id"]
    as_driver.call("delete", f"/api/vehicles/{second['id']}", expect=204)
    assert str(Vehicle.objects.get(driver=driver, is_default=True).pk) == first["id"]


def test_anothers_vehicle_is_not_there(as_driver: ApiClient) -> None:
    theirs = make_vehicle(make_driver())
    path = f"/api/vehicles/{theirs.pk}"
    as_driver.call("get", path, expect=404)
    as_driver.call("put", path, CAR, expect=404)
    as_driver.call("put", path, {}, expect=404)
    as_driver.call("delete", path, expect=404)
    theirs.refresh_from_db()
    assert as_driver.json("get", "/api/vehicles")["count"] == 0


def test_vehicles_take_no_other_fields(as_driver: ApiClient, driver: User) -> None:
    """T41"""
    other = make_driver()
    hostile = {**every_field_of(Vehicle), "driver": other.pk, "driver_id": other.pk}
    made = as_driver.json("post", "/api/vehicles", {**hostile, **CAR, "is_default": False})
    row = Vehicle.objects.get()
    assert (row.driver_id, str(row.pk)) == (driver.pk, made["id"])
    assert made["id"] != hostile["id"]
    as_driver.call("put", f"/api/vehicles/{row.pk}", {**hostile, **CAR, "is_default": False})
    after = Vehicle.objects.get()
    assert (after.driver_id, after.pk, after.created_at) == (driver.pk, row.pk, row.created_at)


def test_a_list_of_vehicles_costs_the_same_however_long(
    as_driver: ApiClient, driver: User, django_assert_num_queries: Any
) -> None:
    for number in range(12):
        make_vehicle(driver, f"กข {number + 1}")
    with django_assert_num_queries(3):  # the sign-in, the count, the rows
        as_driver.call("get", "/api/vehicles", expect=200)


def test_a_cars_inlet_is_named_as_a_stations_connector() -> None:
    assert {one.value for one in ConnectorType} == set(Connector.Type.values) - {
        "Schuko",
        "Unknown",
    }


# --- Favourites ---------------------------------------------------------------------------------
def test_a_favourite_shows_the_live_status(as_driver: ApiClient, driver: User) -> None:
    station = make_station("TH-BKK-1", is_online=True, public_code="TH1")
    Connector.objects.filter(evse__station=station).update(status="Available")
    as_driver.call("put", "/api/favourites/th1", expect=200)
    as_driver.call("put", "/api/favourites/TH1", expect=200)
    assert Favourite.objects.count() == 1
    (row,) = as_driver.json("get", "/api/favourites", expect=200)["results"]
    assert (row["identity"], row["available_connectors"], row["technical"]) == ("TH1", 1, None)
    Station.objects.update(is_online=False)
    (row,) = as_driver.json("get", "/api/favourites", expect=200)["results"]
    assert (row["is_online"], row["available_connectors"]) == (False, 0)
    for _again in range(2):
        as_driver.call("delete", "/api/favourites/TH1", expect=204)
    assert as_driver.json("get", "/api/favourites")["count"] == 0


def test_favourites_are_ones_own(as_driver: ApiClient, as_other_driver: ApiClient) -> None:
    make_station("TH-BKK-1", public_code="TH1")
    as_driver.call("put", "/api/favourites/TH1", expect=200)
    assert as_other_driver.json("get", "/api/favourites")["count"] == 0
    as_other_driver.call("delete", "/api/favourites/TH1", expect=204)
    assert as_driver.json("get", "/api/favourites")["count"] == 1


def test_a_station_that_is_not_public_is_no_favourite(as_driver: ApiClient) -> None:
    hidden = make_station("TH-BKK-2", public_code="HIDDEN", site=make_site(is_active=False))
    make_station("TH-BKK-3", public_code="GONE", archived_at=clock.now())
    for identity in ("HIDDEN", "GONE", "NOWHERE"):
        as_driver.call("put", f"/api/favourites/{identity}", expect=404)
        as_driver.call("delete", f"/api/favourites/{identity}", expect=404)
    hidden.site.is_active = True
    hidden.site.save()
    as_driver.call("put", "/api/favourites/HIDDEN", expect=200)
    hidden.site.is_active = False
    hidden.site.save()
    assert as_driver.json("get", "/api/favourites")["count"] == 0


def test_a_list_of_favourites_costs_the_same_however_long(
    as_driver: ApiClient, driver: User, django_assert_num_queries: Any
) -> None:
    Favourite.objects.create(user=driver, station=make_station(connectors=2))
    with django_assert_num_queries(6):  # sign-in, count, rows, stations, EVSEs, connectors
        as_driver.call("get", "/api/favourites", expect=200)
    for _number in range(9):
        Favourite.objects.create(user=driver, station=make_station(connectors=2))
    with django_assert_num_queries(6):
        as_driver.call("get", "/api/favourites", expect=200)


# --- Consents -----------------------------------------------------------------------------------
def consent(purpose: str, decision: str = "GIVEN", version: str = "2026-11") -> dict[str, str]:
    return {"purpose": purpose, "decision": decision, "text_version": version}


def test_consents_are_only_added_to(as_driver: ApiClient, driver: User) -> None:
    given = as_driver.json("post", "/api/consents", consent("MARKETING"), expect=201)
    again = as_driver.json("post", "/api/consents", consent("MARKETING"), expect=201)
    assert given == again
    as_driver.call("post", "/api/consents", consent("MARKETING", version="2026-12"), expect=201)
    as_driver.call("post", "/api/consents", consent("MARKETING", "WITHDRAWN", "2026-12"))
    as_driver.call("post", "/api/consents", consent("TERMS"), expect=201)
    rows = as_driver.json("get", "/api/consents", expect=200)["results"]
    assert [(row["purpose"], row["decision"], row["text_version"]) for row in rows] == [
        ("TERMS", "GIVEN", "2026-11"),
        ("MARKETING", "WITHDRAWN", "2026-12"),
        ("MARKETING", "GIVEN", "2026-12"),
        ("MARKETING", "GIVEN", "2026-11"),
    ]
    current = as_driver.json("get", "/api/consents?current=true", expect=200)["results"]
    assert [(row["purpose"], row["decision"]) for row in current] == [
        ("TERMS", "GIVEN"),
        ("MARKETING", "WITHDRAWN"),
    ]
    assert [row.decision for row in consent_rows.current(driver)] == ["WITHDRAWN", "GIVEN"]
    assert ConsentRecord.objects.filter(remote_address="127.0.0.1").count() == 4


def test_what_the_service_needs_cannot_be_taken_back(as_driver: ApiClient) -> None:
    as_driver.call("post", "/api/consents", consent("TERMS"), expect=201)
    problem = as_driver.json("post", "/api/consents", consent("TERMS", "WITHDRAWN"), expect=409)
    assert problem["code"] == "account_deletion_needed"
    problem = as_driver.json("post", "/api/consents", consent("LOCATION", "WITHDRAWN"), expect=409)
    assert problem["code"] == "consent_not_given"


def test_consents_take_no_other_fields(as_driver: ApiClient, driver: User) -> None:
    """T41"""
    hostile = {**every_field_of(ConsentRecord), "user_id": make_driver().pk, "channel": "APP"}
    as_driver.call("post", "/api/consents", {**hostile, **consent("MARKETING")}, expect=201)
    row = ConsentRecord.objects.get()
    assert (row.user, row.remote_address) == (driver, "127.0.0.1")
    assert row.at.year > 2020
    for channel in ("STAFF", "DELETION"):
        body = {**consent("ANALYTICS"), "channel": channel}
        as_driver.call("post", "/api/consents", body, expect=400)


# --- Notifications ------------------------------------------------------------------------------
def test_preferences_have_defaults_until_they_are_decided(
    as_driver: ApiClient, driver: User
) -> None:
    path = "/api/notification-preferences"
    shown = as_driver.json("get", path, expect=200)["preferences"]
    assert {(Topic(one["topic"]), Way(one["way"])): one["is_enabled"] for one in shown} == DEFAULTS
    assert not any(one["is_enabled"] for one in shown if one["topic"] == "PROMOTION")
    change = [
        {"topic": "CHARGING", "way": "PUSH", "is_enabled": False},
        {"topic": "PROMOTION", "way": "EMAIL", "is_enabled": True},
    ]
    for _again in range(2):
        as_driver.call("put", path, {"preferences": change}, expect=200)
    assert NotificationPreference.objects.count() == 2
    assert not preferences.wants(driver, Topic.CHARGING, Way.PUSH)
    assert preferences.wants(driver, Topic.PROMOTION, Way.EMAIL)
    assert preferences.wants(driver, Topic.RESERVATION, Way.PUSH)
    assert not preferences.wants(make_driver(), Topic.PROMOTION, Way.EMAIL)


def test_a_device_belongs_to_whoever_registered_it_last(
    as_driver: ApiClient, as_other_driver: ApiClient
) -> None:
    first = as_driver.json("post", "/api/push-devices", DEVICE, expect=201)
    again = as_driver.json("post", "/api/push-devices", {**DEVICE, "name": "New"}, expect=201)
    assert (again["id"], again["name"]) == (first["id"], "New")
    assert DEVICE["token"] not in str(PushDevice.objects.values("token_digest").get())
    as_other_driver.call("post", "/api/push-devices", DEVICE, expect=201)
    assert as_driver.json("get", "/api/push-devices")["count"] == 0
    as_driver.call("delete", f"/api/push-devices/{first['id']}", expect=404)
    as_other_driver.call("delete", f"/api/push-devices/{first['id']}", expect=204)
    assert not PushDevice.objects.exists()


def test_the_device_that_was_silent_longest_makes_room(as_driver: ApiClient) -> None:
    for number in range(MOST_DEVICES + 1):
        body = {**DEVICE, "token": f"{number:064}"}
        as_driver.call("post", "/api/push-devices", body, expect=201)
    assert PushDevice.objects.count() == MOST_DEVICES
    names = {device.token for device in PushDevice.objects.all()}
    assert f"{0:064}" not in names


def test_devices_take_no_other_fields(as_driver: ApiClient, driver: User) -> None:
    """T41"""
    hostile = {**every_field_of(PushDevice), "user_id": make_driver().pk, "app_version": "1"}
    as_driver.call("post", "/api/push-devices", {**hostile, **DEVICE}, expect=201)
    row = PushDevice.objects.get()
    assert (row.user, row.created_at.year > 2020) == (driver, True)
