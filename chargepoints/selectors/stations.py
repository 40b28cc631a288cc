"""Which stations a caller sees, filtered, sorted and with what a list shows of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Lower

from accounts.selectors.scope import Caller, is_staff_like, within_scope
from chargepoints.domain.geo import bounding_box, distance_km
from chargepoints.domain.states import ConnectorStatus
from chargepoints.domain.text import fit
from chargepoints.models import Connector, Evse, Station
from csms.common.errors import FieldError, InvalidInput, NotFound

ORDERINGS = {
    "identity": "identity",
    "name": "name",
    "site": "site__name",
    "last_seen_at": "last_seen_at",
    "created_at": "created_at",
}
MAX_RADIUS_KM = 200.0
_QUERY_LENGTH = 100


@dataclass(frozen=True, slots=True)
class StationFilters:
    """`status`, `connector_type`, `min_power_kw` and `available` speak of one connector.

    `site` is a site's id or name, `operator` an operator's code.
    """

    status: str = ""
    connector_type: str = ""
    min_power_kw: Decimal | None = None
    available: bool | None = None
    q: str = ""
    site: str = ""
    operator: str = ""
    online: bool | None = None


@dataclass(frozen=True, slots=True)
class Nearby:
    station: Station
    distance_km: float


@dataclass(frozen=True, slots=True)
class NearbyPage:
    """`total`: how many there are in the radius, of which `rows` is one slice."""

    total: int
    rows: list[Nearby]


def visible_to(caller: Caller) -> QuerySet[Station]:
    """Every station that the caller may see; archived ones nobody.

    Staff and keys: their operators' stations. Everybody else: what is open to the public.
    """
    stations = Station.objects.filter(archived_at__isnull=True)
    if is_staff_like(caller):
        return stations.filter(within_scope(caller, "site__operator"))
    return stations.filter(site__is_active=True, site__operator__is_active=True)


def get_visible(caller: Caller, identity: str) -> Station:
    """The station by its identity in any case; `NotFound` if the caller may not see it."""
    wanted = fit(identity, 255).lower()
    found = with_details(
        visible_to(caller).alias(folded=Lower("identity")).filter(folded=wanted)
    ).first()
    if found is None:
        raise NotFound
    return found


def with_details(stations: QuerySet[Station]) -> QuerySet[Station]:
    """The same rows with site, operator, EVSEs and connectors, for two more queries in all."""
    connectors = Connector.objects.order_by("connector_id")
    evses = Evse.objects.order_by("evse_id").prefetch_related(
        Prefetch("connectors", queryset=connectors)
    )
    return stations.select_related("site__operator").prefetch_related(
        Prefetch("evses", queryset=evses)
    )


def filtered(
    stations: QuerySet[Station], filters: StationFilters, ordering: str = ""
) -> QuerySet[Station]:
    """`InvalidInput` for a value or an ordering that does not exist."""
    _check(filters, ordering)
    if filters.online is not None:
        stations = stations.filter(is_online=filters.online)
    if filters.operator:
        stations = stations.filter(site__operator__code__iexact=fit(filters.operator, 50))
    if filters.site:
        site = fit(filters.site, 200)
        by_id = (
            Q(site_id=int(site)) if site.isascii() and site.isdigit() and len(site) < 19 else Q()
        )
        stations = stations.filter(by_id | Q(site__name__iexact=site))
    for word in fit(filters.q, _QUERY_LENGTH).split():
        stations = stations.filter(_mentions(word))
    stations = _by_connector(stations, filters)
    return stations.order_by(*_order(ordering))


def _check(filters: StationFilters, ordering: str) -> None:
    errors = []
    if filters.status and filters.status not in {status.value for status in ConnectorStatus}:
        errors.append(_choose("status", [status.value for status in ConnectorStatus]))
    if filters.connector_type and filters.connector_type not in Connector.Type.values:
        errors.append(_choose("connector_type", Connector.Type.values))
    power = filters.min_power_kw
    if power is not None and not (power.is_finite() and 0 <= power <= 100_000):
        errors.append(FieldError("min_power_kw", "out_of_range", "0 to 100000 kW"))
    if ordering and ordering.removeprefix("-") not in ORDERINGS:
        errors.append(_choose("ordering", [*ORDERINGS, *(f"-{name}" for name in ORDERINGS)]))
    if errors:
        raise InvalidInput(errors=errors)


def _choose(field: str, choices: Iterable[str]) -> FieldError:
    return FieldError(field, "unknown", f"Choose one of: {', '.join(choices)}.")


def _order(ordering: str) -> tuple[str, str]:
    name = ORDERINGS[ordering.removeprefix("-") or "identity"]
    return f"-{name}" if ordering.startswith("-") else name, "pk"


def _mentions(word: str) -> Q:
    return (
        Q(identity__icontains=word)
        | Q(name__icontains=word)
        | Q(site__name__icontains=word)
        | Q(site__name_th__icontains=word)
        | Q(site__address__icontains=word)
        | Q(site__district__icontains=word)
        | Q(site__province__icontains=word)
    )


def _by_connector(stations: QuerySet[Station], filters: StationFilters) -> QuerySet[Station]:
    conditions: dict[str, Any] = {}
    if filters.status:
        conditions["status"] = filters.status
    if filters.connector_type:
        conditions["type"] = filters.connector_type
    if filters.min_power_kw is not None:
        conditions["max_power_w__gte"] = int(filters.min_power_kw * 1000)
    matching = Connector.objects.filter(evse__station_id=OuterRef("pk"), **conditions)
    if conditions:
        stations = stations.filter(Exists(matching))
    if filters.available is None:
        return stations
    free = Q(is_online=True) & Exists(matching.filter(status=ConnectorStatus.AVAILABLE.value))
    return stations.filter(free if filters.available else ~free)


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
    """Stations within `radius_km` (at most 200), nearest first: box on the index, then distance."""
    _check_place(latitude, longitude, radius_km)
    box = bounding_box(latitude, longitude, radius_km)
    inside = Q()
    for west, east in box.longitudes:
        inside |= Q(site__longitude__gte=_degrees(west), site__longitude__lte=_degrees(east))
    candidates = filtered(visible_to(caller), filters or StationFilters()).filter(
        inside,
        site__latitude__gte=_degrees(box.south),
        site__latitude__lte=_degrees(box.north),
    )
    measured = sorted(
        (distance, identity, key)
        for key, identity, lat, lon in candidates.values_list(
            "pk", "identity", "site__latitude", "site__longitude"
        )
        if (distance := distance_km(latitude, longitude, float(lat), float(lon))) <= radius_km
    )
    page = measured[offset : offset + limit]
    rows = with_details(Station.objects.filter(pk__in=[key for _distance, _name, key in page]))
    stations = {station.pk: station for station in rows}
    return NearbyPage(
        total=len(measured),
        rows=[Nearby(stations[key], distance) for distance, _name, key in page if key in stations],
    )


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
