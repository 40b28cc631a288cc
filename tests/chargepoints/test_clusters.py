"""Cells of a map hold every station once, and say what is free."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from chargepoints.domain.geo import BoundingBox
from chargepoints.models import Connector, Site, Station
from chargepoints.selectors.clusters import cell_degrees, clusters
from chargepoints.selectors.stations import StationFilters
from csms.common.errors import InvalidInput
from tests.api.client import ApiClient
from tests.support.factories import make_operator, make_site, make_station

pytestmark = pytest.mark.django_db
ANYBODY = AnonymousUser()
THAILAND = BoundingBox(5, 21, ((97, 106),))


def at(latitude: str, longitude: str, **fields: Any) -> Station:
    site = make_site(latitude=Decimal(latitude), longitude=Decimal(longitude))
    return make_station(site=site, password=None, **fields)


def test_counts_free_ones_and_bounds(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first = at("13.70", "100.50", is_online=True)
    at("13.80", "100.60", is_online=False)
    lonely = at("18.79", "98.98", is_online=True)
    Connector.objects.filter(evse__station__in=[first, lonely]).update(status="Available")
    Connector.objects.filter(evse__station=lonely).update(type="Type2")
    with django_assert_num_queries(1):
        south, north = clusters(ANYBODY, THAILAND, 5)
    assert (south.stations, south.available, south.identity) == (2, 1, None)
    assert (south.latitude, south.longitude) == (pytest.approx(13.75), pytest.approx(100.55))
    assert south.box == BoundingBox(13.70, 13.80, ((100.50, 100.60),))
    assert (north.stations, north.available) == (1, 1)
    assert north.identity == lonely.public_code
    (only,) = clusters(ANYBODY, THAILAND, 5, StationFilters(connector_type="Type2"))
    assert only.identity == lonely.public_code


def test_the_public_and_the_world(anonymous_client: ApiClient) -> None:
    station = at("-17.0", "179.99")
    at("-17.0", "-179.99")
    at("13.7", "100.5", archived_at="2026-01-01T00:00:00Z")
    box = "south=-20&north=-10&west=179&east=-179&zoom=6"
    found = anonymous_client.json("get", f"/api/chargepoints/clusters?{box}", expect=200)
    assert found["stations"] == 2
    assert [row["stations"] for row in found["clusters"]] == [1, 1]
    assert station.public_code in {row["identity"] for row in found["clusters"]}
    assert station.identity not in str(found)
    world = "south=-90&north=90&west=-180&east=180&zoom=2"
    assert anonymous_client.json("get", f"/api/chargepoints/clusters?{world}")["stations"] == 2


@pytest.fixture
def anonymous_client() -> ApiClient:
    return ApiClient()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("south=5&north=21&west=97&east=106&zoom=20", "zoom"),
        ("south=21&north=5&west=97&east=106&zoom=5", "south"),
        ("south=5&north=91&west=97&east=106&zoom=5", "north"),
        ("south=nan&north=9&west=97&east=106&zoom=5", "south"),
        ("south=5&north=21&west=97&east=106&zoom=21", "zoom"),
        ("south=5&north=21&west=97&east=106", "zoom"),
    ],
)
def test_boxes_that_are_none(anonymous_client: ApiClient, query: str, field: str) -> None:
    problem = anonymous_client.json("get", f"/api/chargepoints/clusters?{query}", expect=400)
    assert [error["field"] for error in problem["errors"]] == [field]


places = st.tuples(st.floats(5.1, 20.9), st.floats(97.1, 105.9))


@settings(deadline=None, max_examples=25)
@given(st.lists(places, min_size=1, max_size=15), st.integers(0, 8))
def test_every_station_is_in_one_cell(around: list[tuple[float, float]], zoom: int) -> None:
    Station.objects.all().delete()
    Site.objects.all().delete()
    operator = make_operator()
    for number, (latitude, longitude) in enumerate(around):
        site = make_site(
            operator,
            latitude=Decimal(f"{latitude:.6f}"),
            longitude=Decimal(f"{longitude:.6f}"),
        )
        make_station(f"S{operator.pk}-{number}", site=site, password=None, connectors=0)
    found = clusters(ANYBODY, THAILAND, zoom)
    assert sum(cluster.stations for cluster in found) == len(around)
    for cluster in found:
        ((west, east),) = cluster.box.longitudes
        assert cluster.box.north - cluster.box.south <= cell_degrees(zoom)
        assert east - west <= cell_degrees(zoom)
        assert west - 1e-6 <= cluster.longitude <= east + 1e-6


def test_a_box_upside_down_is_refused() -> None:
    with pytest.raises(InvalidInput):
        clusters(ANYBODY, BoundingBox(2, 1, ((0, 1),)), 3)
