"""Stations as drivers look for them: filtered, near a place, with their EVSEs and connectors."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Lower

from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Connector, Evse, Station
from chargepoints.selectors.stations import visible_to

EARTH_RADIUS_KM = 6371.0088
KM_PER_DEGREE = 111.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StationFilter:
    """None or empty: no condition. Those on connectors hold for one and the same connector."""

    status: str = ""
    connector_type: str = ""
    min_power_w: int | None = None
    is_available: bool | None = None
    text: str = ""
    site_id: int | None = None
    operator_code: str = ""


def offered_to(caller: Any) -> QuerySet[Station]:
    """Staff and keys: the stations of their operators. Everybody else: those open to the public."""
    if getattr(caller, "is_staff", False) or hasattr(caller, "scopes"):
        stations = visible_to(caller)
    else:
        stations = Station.objects.filter(site__is_active=True, site__operator__is_active=True)
    return stations.filter(archived_at__isnull=True).select_related("site__operator")


def find(caller: Any, wanted: StationFilter) -> QuerySet[Station]:
    stations = offered_to(caller)
    if wanted.site_id is not None:
        stations = stations.filter(site_id=wanted.site_id)
    if wanted.operator_code:
        stations = stations.filter(site__operator__code=wanted.operator_code)
    if wanted.text:
        stations = stations.filter(
            Q(identity__icontains=wanted.text)
            | Q(name__icontains=wanted.text)
            | Q(site__name__icontains=wanted.text)
            | Q(site__name_th__icontains=wanted.text)
            | Q(site__address__icontains=wanted.text)
            | Q(site__province__icontains=wanted.text)
        )
    connectors = _connectors(wanted)
    if connectors is not None:
        stations = stations.filter(Exists(connectors))
    if wanted.is_available is not None:
        free = Exists(
            (_connectors(wanted) or _of_station()).filter(status=ConnectorStatus.AVAILABLE)
        )
        is_free = Q(free, is_online=True)
        stations = stations.filter(is_free if wanted.is_available else ~is_free)
    return stations


def _of_station() -> QuerySet[Connector]:
    return Connector.objects.filter(evse__station=OuterRef("pk"))


def _connectors(wanted: StationFilter) -> QuerySet[Connector] | None:
    conditions: dict[str, Any] = {}
    if wanted.status:
        conditions["status"] = wanted.status
    if wanted.connector_type:
        conditions["type"] = wanted.connector_type
    if wanted.min_power_w is not None:
        conditions["max_power_w__gte"] = wanted.min_power_w
    return _of_station().filter(**conditions) if conditions else None


def with_connectors(stations: QuerySet[Station]) -> QuerySet[Station]:
    """Two more queries for all rows: the EVSEs and their connectors."""
    evses = Evse.objects.order_by("evse_id").prefetch_related(
        Prefetch("connectors", Connector.objects.order_by("connector_id"))
    )
    return stations.prefetch_related(Prefetch("evses", evses))


def by_identity(caller: Any, identity: str) -> Station | None:
    """The station with its connectors, or None if there is none that the caller may see."""
    return with_connectors(
        offered_to(caller).alias(folded=Lower("identity")).filter(folded=identity.lower())
    ).first()


def nearby(
    caller: Any, latitude: float, longitude: float, radius_km: float, wanted: StationFilter
) -> list[tuple[int, float]]:
    """(station id, distance in km) within the radius, nearest first."""
    candidates = (
        find(caller, wanted)
        .filter(_around(latitude, longitude, radius_km))
        .order_by()
        .values_list("pk", "site__latitude", "site__longitude")
    )
    found = [
        (key, distance_km(latitude, longitude, float(lat), float(lon)))
        for key, lat, lon in candidates
    ]
    return sorted(
        ((key, km) for key, km in found if km <= radius_km), key=lambda row: (row[1], row[0])
    )


def _around(latitude: float, longitude: float, radius_km: float) -> Q:
    """A box that holds the circle, so that an index can throw most rows away."""
    span = radius_km / KM_PER_DEGREE + 0.01
    south, north = latitude - span, latitude + span
    box = Q(site__latitude__gte=_degrees(south), site__latitude__lte=_degrees(north))
    shrink = math.cos(math.radians(min(max(abs(south), abs(north)), 89.0)))
    width = span / shrink
    if width >= 180:
        return box
    west, east = longitude - width, longitude + width
    if west < -180 or east > 180:
        # Across the date line.
        return box & (
            Q(site__longitude__gte=_degrees((west + 180) % 360 - 180))
            | Q(site__longitude__lte=_degrees((east + 180) % 360 - 180))
        )
    return box & Q(site__longitude__gte=_degrees(west), site__longitude__lte=_degrees(east))


def _degrees(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")


def distance_km(lat_1: float, lon_1: float, lat_2: float, lon_2: float) -> float:
    """The great-circle distance (haversine)."""
    phi_1, phi_2 = math.radians(lat_1), math.radians(lat_2)
    half = (
        math.sin((phi_2 - phi_1) / 2) ** 2
        + math.cos(phi_1) * math.cos(phi_2) * math.sin(math.radians(lon_2 - lon_1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(math.sqrt(half), 1.0))


def in_order(keys: Iterable[int]) -> list[Station]:
    """The stations of these ids with their connectors, in this order."""
    wanted = list(keys)
    rows = with_connectors(
        Station.objects.filter(pk__in=wanted).select_related("site__operator")
    ).in_bulk()
    return [rows[key] for key in wanted if key in rows]
