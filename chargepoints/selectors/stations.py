"""Which stations a caller sees, filtered, sorted and with what a list shows of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.db.models import (
    Case,
    Exists,
    Func,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    TextField,
    When,
)
from django.db.models.functions import Lower

from accounts.selectors.scope import Caller, is_staff_like, within_scope
from chargepoints.domain.states import ConnectorStatus
from chargepoints.domain.text import fit
from chargepoints.models import Connector, Evse, Site, Station
from csms.common.errors import FieldError, InvalidInput, NotFound

# The column that a caller knows as a station's `identity`.
IdentityField = Literal["identity", "public_code"]
ORDERINGS = {
    "identity": "",
    "name": "name",
    "site": "site__name",
    "last_seen_at": "last_seen_at",
    "created_at": "created_at",
}
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


def visible_to(caller: Caller) -> QuerySet[Station]:
    """Every station that the caller may see; archived ones nobody.

    Staff and keys: their operators' stations. Everybody else: what is open to the public.
    """
    stations = Station.objects.filter(archived_at__isnull=True)
    if is_staff_like(caller):
        return stations.filter(within_scope(caller, "site__operator"))
    return stations.filter(site__is_active=True, site__operator__is_active=True)


def identity_field(caller: Caller) -> IdentityField:
    """An OCPP identity is half of what opens a charger's socket: only staff and keys see it."""
    return "identity" if is_staff_like(caller) else "public_code"


def called(caller: Caller, identity: str) -> QuerySet[Station]:
    """The station that the caller means, if the caller may see it: the first of these rows.

    Staff and keys say its OCPP identity in any case, or its public code. Everybody else says the
    public code: for them an identity is as unknown as anything else.
    """
    text = fit(identity, 255)
    by_code = Q(public_code=text.upper())
    if identity_field(caller) == "public_code":
        return visible_to(caller).filter(by_code).order_by("pk")
    by_name = Q(folded=text.lower())
    # One station may be called what another's code is: the name that people gave it wins.
    name_first = Case(When(by_name, then=0), default=1)
    named = visible_to(caller).alias(folded=Lower("identity"))
    return named.filter(by_name | by_code).order_by(name_first, "pk")


def get_visible(caller: Caller, identity: str) -> Station:
    """The station that the caller means, with details; `NotFound` if the caller may not see it."""
    found = with_details(called(caller, identity)).first()
    if found is None:
        raise NotFound
    return found


def attach_evses(stations: Sequence[Station]) -> None:
    """Give a page of stations their EVSEs and connectors in two queries, as a prefetch would.

    By hand, because the framework's prefetch makes a query object for every station and EVSE that
    nobody asks: a third of the time of a list.
    """
    plugs: dict[int, list[Connector]] = {}
    places: dict[int, list[Evse]] = {station.pk: [] for station in stations}
    evses = list(Evse.objects.filter(station_id__in=places).order_by("evse_id"))
    for connector in Connector.objects.filter(evse_id__in=[evse.pk for evse in evses]).order_by(
        "connector_id"
    ):
        plugs.setdefault(connector.evse_id, []).append(connector)
    for evse in evses:
        _remember(evse, "connectors", plugs.get(evse.pk, []))
        places[evse.station_id].append(evse)
    for station in stations:
        _remember(station, "evses", places[station.pk])


def _remember(owner: Station | Evse, name: str, rows: list[Any]) -> None:
    """What `owner.<name>.all()` is from now on."""
    cache: dict[str, Any] = owner.__dict__.setdefault("_prefetched_objects_cache", {})
    cache[name] = rows


def with_places(stations: QuerySet[Station]) -> QuerySet[Station]:
    """The same rows with site and operator, in the same query."""
    return stations.select_related("site__operator")


def connector_numbered(station: Station, connector_id: int, evse_id: str = "") -> Connector:
    """The connector of a station that comes with its EVSEs; `NotFound` if it has none such.

    Without `evse_id` the number is OCPP 1.6's flat one, that of the EVSE.
    """
    for evse in station.evses.all():
        for connector in evse.connectors.all():
            if evse_id:
                is_meant = (str(evse.evse_id), connector.connector_id) == (evse_id, connector_id)
            else:
                is_meant = evse.evse_id == connector_id
            if is_meant:
                return connector
    raise NotFound


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
    stations: QuerySet[Station],
    filters: StationFilters,
    ordering: str = "",
    *,
    known_by: IdentityField = "public_code",
) -> QuerySet[Station]:
    """`InvalidInput` for a value or an ordering that does not exist.

    `known_by`: what the words of a search and an order by identity go by.
    """
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
        stations = stations.filter(_mentions(word, known_by))
    stations = _by_connector(stations, filters)
    return stations.order_by(*_order(ordering, known_by))


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


def _order(ordering: str, known_by: IdentityField) -> tuple[str, str]:
    name = ORDERINGS[ordering.removeprefix("-") or "identity"] or known_by
    return f"-{name}" if ordering.startswith("-") else name, "pk"


class _Text(Func):
    """Columns with a space between; a word of a search has none, so it is in one of them or not.

    As the index `chargepoints_site_text` has it, constants included.
    """

    template = "(%(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = TextField()


def _mentions(word: str, known_by: IdentityField) -> Q:
    """In one of two sets, each of which is found once by its index.

    Of conditions on two tables the database would check each for every station. A union of both
    would be a join, which it plans by guesses of how rare a word is.
    """
    named = Q(public_code=word.upper()) | Q(name__icontains=word)
    if known_by == "identity":
        named |= Q(identity__icontains=word)
    text = _Text("name", "name_th", "address", "district", "province")
    places = Site.objects.alias(text=text).filter(text__icontains=word).order_by()
    stations = Station.objects.filter(named).order_by()
    return Q(pk__in=stations.values("pk")) | Q(site__in=places.values("pk"))


def _by_connector(stations: QuerySet[Station], filters: StationFilters) -> QuerySet[Station]:
    conditions: dict[str, Any] = {}
    if filters.status:
        conditions["status"] = filters.status
    if filters.connector_type:
        conditions["type"] = filters.connector_type
    if filters.min_power_kw is not None:
        conditions["max_power_w__gte"] = int(filters.min_power_kw * 1000)
    matching = Connector.objects.filter(evse__station_id=OuterRef("pk"), **conditions)
    if conditions and not filters.available:
        stations = stations.filter(Exists(matching))
    if filters.available is None:
        return stations
    free = Q(is_online=True) & Exists(matching.filter(status=ConnectorStatus.AVAILABLE.value))
    return stations.filter(free if filters.available else ~free)
