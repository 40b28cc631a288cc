"""What callers see of stations."""

import math
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.selectors.scope import Caller
from accounts.services.keys import create_api_key
from chargepoints.domain.geo import bounding_box, distance_km
from chargepoints.models import Connector, Site, Station
from chargepoints.selectors import nearby as nearby_module
from chargepoints.selectors import stations
from chargepoints.selectors.dashboard import board_numbers
from chargepoints.selectors.nearby import nearby
from chargepoints.selectors.stations import StationFilters
from chargepoints.services.archiving import archive_station
from csms.common.audit import SystemActor
from csms.common.errors import InvalidInput, NotFound
from tests.support.factories import (
    make_driver,
    make_operator,
    make_site,
    make_staff,
    make_station,
    make_superadmin,
)

ANYBODY = AnonymousUser()


def identities(queryset: Any) -> list[str]:
    return [station.identity for station in queryset]


def found(ordering: str = "", **filters: Any) -> list[str]:
    return identities(
        stations.filtered(
            stations.visible_to(ANYBODY), StationFilters(**filters), ordering, known_by="identity"
        )
    )


@pytest.mark.django_db
def test_each_caller_sees_their_own() -> None:
    own, other = make_operator(), make_operator(is_active=False)
    make_station("OWN", site=make_site(own))
    make_station("OWN-CLOSED", site=make_site(own, is_active=False))
    make_station("FOREIGN", site=make_site(other))
    archive_station(make_station("GONE", site=make_site(own)), actor=SystemActor("test"))
    everything = ["FOREIGN", "OWN", "OWN-CLOSED"]
    expectations: list[tuple[Caller, list[str]]] = [
        (make_superadmin(), everything),
        (create_api_key("all", ["read"])[0], everything),
        (create_api_key("one", ["read"], own)[0], ["OWN", "OWN-CLOSED"]),
        (make_staff(operators=[own]), ["OWN", "OWN-CLOSED"]),
        (make_staff(operators=[other]), []),  # closed: its staff are strangers
        (make_staff(), []),
        (make_driver(), ["OWN"]),
        (ANYBODY, ["OWN"]),
    ]
    for caller, expected in expectations:
        assert identities(stations.visible_to(caller).order_by("identity")) == expected
        assert board_numbers(caller).stations == len(expected)
    codes = dict(Station.objects.values_list("identity", "public_code"))
    assert stations.get_visible(ANYBODY, codes["OWN"].lower()).identity == "OWN"
    for hidden in ("OWN", "FOREIGN", "GONE", "NONE", codes["GONE"], codes["OWN-CLOSED"], "O\x00WN"):
        with pytest.raises(NotFound):
            stations.get_visible(ANYBODY, hidden)


@pytest.mark.django_db
def test_staff_may_say_either_and_the_name_that_people_gave_wins() -> None:
    known = make_station("CP1")
    named_so = make_station(known.public_code)
    admin = make_superadmin()
    assert stations.get_visible(admin, "cp1") == known
    assert stations.get_visible(admin, known.public_code) == named_so
    assert stations.get_visible(admin, named_so.public_code.lower()) == named_so
    assert stations.get_visible(ANYBODY, known.public_code) == known


@pytest.mark.django_db
def test_filters_speak_of_one_connector() -> None:
    operator = make_operator("plug")
    site = make_site(operator, "Siam", address="991 Rama I Road", province="Bangkok")
    mixed = make_station("MIXED", site=site, connectors=2, is_online=True, name="North")
    Connector.objects.filter(evse__station=mixed, evse__evse_id=1).update(
        type="CHAdeMO", max_power_w=50_000, status="Available"
    )
    Connector.objects.filter(evse__station=mixed, evse__evse_id=2).update(
        type="CCS2", max_power_w=150_000, status="Charging"
    )
    offline = make_station("OFFLINE", site=make_site(name="Chiang Mai", province="Chiang Mai"))
    Connector.objects.filter(evse__station=offline).update(status="Available")
    both = ["MIXED", "OFFLINE"]
    assert found() == both
    assert found("-identity") == both[::-1]
    assert found(connector_type="CCS2") == both
    assert found(connector_type="CCS2", status="Available") == ["OFFLINE"]
    assert found(min_power_kw=Decimal("150")) == ["MIXED"]
    assert found(min_power_kw=Decimal("150"), status="Available") == []
    assert found(available=True) == ["MIXED"]
    assert found(available=True, connector_type="CCS2") == []
    assert found(available=False) == ["OFFLINE"]
    assert found(available=False, connector_type="CCS2") == both
    assert found(online=True) == ["MIXED"]
    assert found(operator="PLUG") == ["MIXED"]
    assert found(site="chiang mai") == found(site=str(offline.site_id)) == ["OFFLINE"]
    assert found(q="rama NORTH") == ["MIXED"]
    for harmless in ("' OR 1=1 --", "%", "\x00nothing", "x" * 10_000):
        assert found(q=harmless) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"ordering": "site__operator__staff__password"},
        {"ordering": "--identity"},
        {"status": "available"},
        {"connector_type": "Plug"},
        {"min_power_kw": Decimal("NaN")},
    ],
)
def test_unknown_filters_and_orderings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        found(**wrong)
    assert refusal.value.errors[0].field in wrong


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 12])
def test_queries_do_not_grow_with_the_list(number: int, django_assert_num_queries: Any) -> None:
    for _number in range(number):
        make_station(connectors=3, site=make_site(make_operator()))
    with django_assert_num_queries(3):
        page = stations.filtered(
            stations.with_details(stations.visible_to(ANYBODY)),
            StationFilters(available=False, q="Site"),
        )
        shown = [
            (station.site.operator.name, connector.status)
            for station in page
            for evse in station.evses.all()
            for connector in evse.connectors.all()
        ]
    assert len(shown) == 3 * number
    with django_assert_num_queries(5):
        assert nearby(ANYBODY, 13.7, 100.5, 50).total == number
    with django_assert_num_queries(4):
        assert nearby(ANYBODY, 13.7, 100.5, 50, StationFilters(available=False)).total == number
    with django_assert_num_queries(2):
        assert board_numbers(ANYBODY).connectors == 3 * number


@pytest.mark.django_db
def test_board_numbers() -> None:
    make_station(is_online=True)
    broken = make_station(connectors=2, is_online=True)
    Connector.objects.filter(evse__station=broken).update(status="Faulted")
    make_station(connectors=0, status="Faulted")
    numbers = board_numbers(ANYBODY)
    assert (numbers.stations, numbers.online, numbers.offline) == (3, 2, 1)
    assert (numbers.faulted, numbers.connectors) == (2, 3)
    assert numbers.connectors_by_status["Faulted"] == 2
    assert numbers.connectors_by_status["Unknown"] == 1
    assert numbers.connectors_by_status["Charging"] == 0


def place(identity: str, latitude: str, longitude: str) -> None:
    make_station(
        identity,
        site=make_site(latitude=Decimal(latitude), longitude=Decimal(longitude)),
        connectors=1,
    )


@pytest.mark.django_db
def test_nearby_is_sorted_and_crosses_the_date_line_and_the_poles() -> None:
    place("SIAM", "13.745570", "100.534960")
    place("ARI", "13.779700", "100.544600")
    place("PATTAYA", "12.923600", "100.882500")
    place("FIJI-WEST", "-17.000000", "179.990000")
    place("FIJI-EAST", "-17.000000", "-179.990000")
    place("POLE", "89.990000", "-120.000000")
    near = nearby(ANYBODY, 13.7456, 100.5350, 10)
    assert [row.station.identity for row in near.rows] == ["SIAM", "ARI"]
    assert near.rows[1].distance_km == pytest.approx(3.93, abs=0.02)
    far = nearby(ANYBODY, 13.7456, 100.5350, 200, limit=1, offset=2)
    assert (far.total, far.rows[0].station.identity) == (3, "PATTAYA")
    for longitude in (179.995, -179.995, 180, -180):
        assert nearby(ANYBODY, -17, longitude, 5).total == 2
    assert nearby(ANYBODY, 89.99, 60, 5).total == 1
    assert nearby(ANYBODY, 90, 0, 5).total == 1
    only_dc = StationFilters(connector_type="CHAdeMO")
    assert nearby(ANYBODY, 13.7456, 100.5350, 10, only_dc).total == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong", [(91, 0, 1), (0, 181, 1), (0, 0, 0), (0, 0, 201), (math.nan, 0, 1), (0, 0, math.inf)]
)
def test_nearby_refuses_impossible_places(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidInput):
        nearby(ANYBODY, *wrong)


coordinates = st.tuples(
    st.floats(-90, 90) | st.sampled_from([-90.0, 89.999, 0.0, 13.7]),
    st.floats(-180, 180) | st.sampled_from([-180.0, 179.999, 180.0, 100.5]),
)


@given(coordinates, coordinates, st.floats(0.001, 20_000))
def test_the_box_holds_whatever_is_in_the_radius(
    centre: tuple[float, float], other: tuple[float, float], radius: float
) -> None:
    if distance_km(*centre, *other) > radius:
        return
    box = bounding_box(*centre, radius)
    assert box.south <= other[0] <= box.north
    assert any(west <= other[1] <= east for west, east in box.longitudes) or any(
        # 180° and -180° are one meridian.
        abs(other[1]) == 180 and 180.0 in (abs(west), abs(east))
        for west, east in box.longitudes
    )


offsets = st.tuples(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5))


@pytest.mark.django_db
@settings(deadline=None, max_examples=40)
@given(
    centre=st.sampled_from([(13.7, 100.5), (-17.0, 179.9), (0.0, -179.9), (88.9, 20.0)]),
    around=st.lists(offsets, min_size=1, max_size=12),
    radius=st.floats(1, 200),
)
def test_nearby_agrees_with_brute_force(
    centre: tuple[float, float], around: list[tuple[float, float]], radius: float
) -> None:
    Station.objects.all().delete()
    Site.objects.all().delete()
    operator = make_operator()
    expected = []
    for number, (north, east) in enumerate(around):
        latitude = round(max(-90, min(90, centre[0] + north)), 6)
        longitude = round((centre[1] + east + 180) % 360 - 180, 6)
        site = make_site(
            operator, latitude=Decimal(str(latitude)), longitude=Decimal(str(longitude))
        )
        make_station(f"S{operator.pk}-{number}", site=site, password=None, connectors=0)
        distance = distance_km(*centre, latitude, longitude)
        if distance <= radius:
            expected.append((distance, number, f"S{operator.pk}-{number}"))
    page = nearby(ANYBODY, *centre, radius)
    measured = [(row.distance_km, row.station.identity) for row in page.rows]
    assert measured == [(distance, name) for distance, _number, name in sorted(expected)]
    assert page.total == len(expected)


@pytest.mark.django_db
def test_of_many_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more than are counted, parts of the circle give the same as the whole."""
    operator = make_operator()
    for number in range(30):
        latitude = Decimal("13.7") + Decimal(number * number) / 5000
        site = make_site(operator, latitude=latitude, longitude=Decimal("100.5"))
        make_station(f"S{number}", site=site, password=None, connectors=0)
    whole = nearby(ANYBODY, 13.7, 100.5, 30, limit=200)
    names = [row.station.identity for row in whole.rows]
    assert names == [f"S{number}" for number in range(len(names))]
    monkeypatch.setattr(nearby_module, "MOST_FOUND", 20)
    for offset, limit in ((0, 3), (3, 10), (10, 50), (19, 5), (20, 5)):
        page = nearby(ANYBODY, 13.7, 100.5, 30, limit=limit, offset=offset)
        assert page.total == 20
        assert [row.station.identity for row in page.rows] == names[:20][offset : offset + limit]
