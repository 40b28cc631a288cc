"""Stations around a place, nearest first: a box on the index of sites, then the distance."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import FloatField, Q, QuerySet, Value
from django.db.models.functions import Cast, Cos, Power, Radians, Sin

from accounts.selectors.scope import Caller
from chargepoints.domain.geo import EARTH_RADIUS_KM, BoundingBox, bounding_box, distance_km
from chargepoints.models import Station
from chargepoints.selectors.stations import (
    StationFilters,
    attach_evses,
    filtered,
    identity_field,
    visible_to,
    with_places,
)
from csms.common.errors import FieldError, InvalidInput

MAX_RADIUS_KM = 200.0
# Of more the nearest so many: nobody drives to the one after that.
MOST_FOUND = 1_000
# Where there are so many the nearest are looked for close by first, then farther out by this much.
_CLOSE_BY_KM = 2.5
_FARTHER = 4
# Nearer to the poles a box is wider at one side than at the other.
_BOXES_UNTIL_LATITUDE = 60


@dataclass(frozen=True, slots=True)
class Nearby:
    station: Station
    distance_km: float


@dataclass(frozen=True, slots=True)
class NearbyPage:
    """`total`: how many there are, at most `MOST_FOUND`, of which `rows` is one slice."""

    total: int
    rows: list[Nearby]


def nearby(
    caller: Caller,
    latitude: float,
    longitude: float,
    radius_km: float,
    filters: StationFilters | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
) -> NearbyPage:
    """Stations within `radius_km` (at most 200), nearest first; of equal distance the older first.

    A few queries, however many there are. Raises `InvalidInput` for a place that is none.
    """
    _check_place(latitude, longitude, radius_km)
    conditions = filters or StationFilters()
    candidates = filtered(visible_to(caller), conditions, known_by=identity_field(caller))
    # Distances cost more than counting, but conditions more than both: they are met once.
    is_crowded = conditions == StationFilters() and _is_crowded(
        candidates, latitude, longitude, radius_km
    )

    def around(kilometres: float) -> QuerySet[Any]:
        return _inside(candidates, latitude, longitude, kilometres)

    some: list[tuple[float, int]] = []
    total = MOST_FOUND
    if not is_crowded:
        some = list(around(radius_km).order_by().values_list("chord", "pk")[:MOST_FOUND])
        total = len(some)
    until = min(offset + limit, total)
    if offset >= until:
        return NearbyPage(total, [])
    if total < MOST_FOUND:
        keys = [key for _chord, key in sorted(some)[offset:until]]
    else:
        keys = _nearest(around, radius_km, offset, until)
    found = {row.pk: row for row in with_places(Station.objects.filter(pk__in=keys))}
    page = [found[key] for key in keys if key in found]
    attach_evses(page)
    return NearbyPage(total, [_measured(row, latitude, longitude) for row in page])


def _is_crowded(
    stations: QuerySet[Station], latitude: float, longitude: float, radius_km: float
) -> bool:
    """Whether a box that lies within the circle holds all that are counted: no distance needed."""
    if abs(latitude) > _BOXES_UNTIL_LATITUDE:
        return False
    # Its corners are at √2 of that.
    box = bounding_box(latitude, longitude, radius_km / 1.5)
    return stations.filter(within(box)).order_by().values("pk")[:MOST_FOUND].count() == MOST_FOUND


def _nearest(
    around: Callable[[float], QuerySet[Any]], radius_km: float, offset: int, until: int
) -> list[int]:
    """The keys from `offset` to `until` of what is in the radius, which is more than that."""
    kilometres = _CLOSE_BY_KM
    while True:
        ordered = around(min(kilometres, radius_km)).order_by("chord", "pk")
        keys = list(ordered.values_list("pk", flat=True)[offset:until])
        if len(keys) == until - offset or kilometres >= radius_km:
            return keys
        kilometres *= _FARTHER


def _inside(
    stations: QuerySet[Station], latitude: float, longitude: float, radius_km: float
) -> QuerySet[Any]:
    """Those within the radius, with `chord`, which has the order of the distance."""
    farthest = math.sin(min(radius_km / (2 * EARTH_RADIUS_KM), math.pi / 2)) ** 2
    return (
        stations.filter(within(bounding_box(latitude, longitude, radius_km)))
        .annotate(chord=_half_chord_squared(latitude, longitude))
        .filter(chord__lte=farthest * (1 + 1e-9) + 1e-18)
    )


def within(box: BoundingBox) -> Q:
    """The condition that a station's site is in the box."""
    longitudes = Q()
    for west, east in box.longitudes:
        longitudes |= Q(site__longitude__gte=_degrees(west), site__longitude__lte=_degrees(east))
    return longitudes & Q(
        site__latitude__gte=_degrees(box.south), site__latitude__lte=_degrees(box.north)
    )


def _half_chord_squared(latitude: float, longitude: float) -> Any:
    """The haversine's inner term; it grows with the distance."""
    to_latitude = Radians(Cast("site__latitude", FloatField()))
    to_longitude = Radians(Cast("site__longitude", FloatField()))
    phi, lambda_ = math.radians(latitude), math.radians(longitude)
    return Power(Sin((to_latitude - phi) / 2.0), 2.0) + Value(math.cos(phi)) * Cos(
        to_latitude
    ) * Power(Sin((to_longitude - lambda_) / 2.0), 2.0)


def _measured(row: Station, latitude: float, longitude: float) -> Nearby:
    place = float(row.site.latitude), float(row.site.longitude)
    return Nearby(row, distance_km(latitude, longitude, *place))


def _check_place(latitude: float, longitude: float, radius_km: float) -> None:
    # Written so that NaN fails.
    checks = (
        ("latitude", -90 <= latitude <= 90, "-90 to 90"),
        ("longitude", -180 <= longitude <= 180, "-180 to 180"),
        ("radius_km", 0 < radius_km <= MAX_RADIUS_KM, f"more than 0, at most {MAX_RADIUS_KM:g}"),
    )
    errors = [
        FieldError(name, "out_of_range", text) for name, is_valid, text in checks if not is_valid
    ]
    if errors:
        raise InvalidInput(errors=errors)


def _degrees(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")
