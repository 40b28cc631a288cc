"""Stations of a zoomed-out map, counted by the cells of a grid."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Exists, FloatField, Max, Min, OuterRef, Q
from django.db.models.functions import Cast, Floor

from accounts.selectors.scope import Caller
from chargepoints.domain.geo import BoundingBox
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Connector
from chargepoints.selectors.nearby import within
from chargepoints.selectors.stations import (
    StationFilters,
    filtered,
    identity_field,
    visible_to,
)
from csms.common.errors import FieldError, InvalidInput

MAX_ZOOM = 20
# A map shows the world as 2^zoom tiles of 256 pixels side by side: a cell is a quarter of a tile.
_CELLS_A_TILE = 4
# For most stations of the country one set of those with a free connector costs a tenth of asking
# for each; for those of a town it is the other way round.
_ZOOM_OF_FEW = 12
# More than a screen has room for: a larger box with so small cells is no map.
MOST_CELLS = 4_000


@dataclass(frozen=True, slots=True)
class Cluster:
    """The stations of one cell: their middle, how many, and the box that holds them, in degrees.

    `available`: how many have a free connector. `identity`: of the only station, else None.
    """

    latitude: float
    longitude: float
    stations: int
    available: int
    box: BoundingBox
    identity: str | None


def cell_degrees(zoom: int) -> float:
    return 360 / 2**zoom / _CELLS_A_TILE


def clusters(
    caller: Caller,
    box: BoundingBox,
    zoom: int,
    filters: StationFilters | None = None,
) -> list[Cluster]:
    """One query. Raises `InvalidInput` for a box that is none or too large for the zoom."""
    cell = cell_degrees(zoom)
    _check(box, cell)
    wanted, known_by = filters or StationFilters(), identity_field(caller)
    free = Connector.objects.filter(status=ConnectorStatus.AVAILABLE.value)
    if wanted.connector_type:
        free = free.filter(type=wanted.connector_type)
    if zoom < _ZOOM_OF_FEW:
        with_free: Any = Q(is_online=True, pk__in=free.values("evse__station_id"))
    else:
        with_free = Q(is_online=True) & Exists(free.filter(evse__station_id=OuterRef("pk")))
    # For the cells alone: PostgreSQL makes a float of a decimal by way of its text, and that eight
    # times for each station was a third of the whole.
    latitude = Cast("site__latitude", FloatField())
    longitude = Cast("site__longitude", FloatField())
    cells = (
        filtered(visible_to(caller), wanted, known_by=known_by)
        .filter(within(box))
        .order_by()
        .annotate(row=Floor((latitude + 90.0) / cell), column=Floor((longitude + 180.0) / cell))
        .values("row", "column")
        .annotate(
            stations=Count("pk"),
            available=Count("pk", filter=with_free),
            south=Min("site__latitude"),
            north=Max("site__latitude"),
            west=Min("site__longitude"),
            east=Max("site__longitude"),
            middle_latitude=Avg("site__latitude"),
            middle_longitude=Avg("site__longitude"),
            first=Min(known_by),
        )
        .order_by("row", "column")
    )
    return [_cluster(found) for found in cells]


def _cluster(found: Mapping[str, Any]) -> Cluster:
    south, north, west, east = (float(found[side]) for side in ("south", "north", "west", "east"))
    return Cluster(
        latitude=float(found["middle_latitude"]),
        longitude=float(found["middle_longitude"]),
        stations=found["stations"],
        available=found["available"],
        box=BoundingBox(south, north, ((west, east),)),
        identity=found["first"] if found["stations"] == 1 else None,
    )


def _check(box: BoundingBox, cell: float) -> None:
    if box.south >= box.north:
        raise InvalidInput(errors=[FieldError("south", "out_of_range", "less than north")])
    width = sum(east - west for west, east in box.longitudes)
    cells = math.ceil((box.north - box.south) / cell + 1) * math.ceil(width / cell + 1)
    if cells > MOST_CELLS:
        text = "too close for so large a box"
        raise InvalidInput(errors=[FieldError("zoom", "out_of_range", text)])
