"""EVSEs and connectors that appear because a charger speaks of them."""

from collections.abc import Collection, Iterable

from django.db import transaction

from chargepoints.locks import lock_connectors_of
from chargepoints.models import Connector, Evse
from csms.common.errors import InvalidInput

# (station, EVSE number, connector number)
ConnectorKey = tuple[int, int, int]

# No station has more; a charger that counts on must not fill the table.
HIGHEST_NUMBER = 100
# A random public code that is taken makes an insert do nothing: try again with another.
_ATTEMPTS = 5


def is_acceptable(evse_id: int, connector_id: int) -> bool:
    return 1 <= evse_id <= HIGHEST_NUMBER and 1 <= connector_id <= HIGHEST_NUMBER


def ensure_connector(station_id: int, evse_id: int, connector_id: int) -> Connector:
    """The connector, made if it is not known; `InvalidInput` for numbers outside 1…100."""
    if not is_acceptable(evse_id, connector_id):
        raise InvalidInput(
            f"EVSE {evse_id}, connector {connector_id}: numbers run from 1 to {HIGHEST_NUMBER}."
        )
    found = (
        Connector.objects.filter(
            evse__station_id=station_id, evse__evse_id=evse_id, connector_id=connector_id
        )
        .select_related("evse__station")
        .first()
    )
    if found is not None:
        return found
    key = (station_id, evse_id, connector_id)
    with transaction.atomic():
        create_missing({key})
        return Connector.objects.select_related("evse__station").get(
            evse__station_id=station_id, evse__evse_id=evse_id, connector_id=connector_id
        )


def lock_with_missing(
    station_ids: Collection[int], wanted: Collection[ConnectorKey]
) -> dict[ConnectorKey, Connector]:
    """The connectors of these stations, locked; those wanted but missing are made first."""
    found = by_key(lock_connectors_of(station_ids))
    missing = {key for key in wanted if key not in found}
    if not missing:
        return found
    create_missing(missing)
    return by_key(lock_connectors_of(station_ids))


def by_key(connectors: Iterable[Connector]) -> dict[ConnectorKey, Connector]:
    return {(c.evse.station_id, c.evse.evse_id, c.connector_id): c for c in connectors}


def create_missing(keys: Collection[ConnectorKey]) -> None:
    """Insert EVSEs and connectors in the order of their keys, leaving those that another made.

    The order keeps two transactions that make the same ones from waiting for each other.
    """
    places = sorted({(station_id, evse_id) for station_id, evse_id, _number in keys})
    evses: dict[tuple[int, int], int] = {}
    for _attempt in range(_ATTEMPTS):
        evses = _evse_keys(places)
        absent = [place for place in places if place not in evses]
        if not absent:
            break
        Evse.objects.bulk_create(
            [Evse(station_id=station_id, evse_id=evse_id) for station_id, evse_id in absent],
            ignore_conflicts=True,
        )
    Connector.objects.bulk_create(
        [
            Connector(evse_id=evses[station_id, evse_id], connector_id=number)
            for station_id, evse_id, number in sorted(keys)
        ],
        ignore_conflicts=True,
    )


def _evse_keys(places: Collection[tuple[int, int]]) -> dict[tuple[int, int], int]:
    stations = {station_id for station_id, _evse_id in places}
    rows = Evse.objects.filter(station_id__in=stations).values_list("station_id", "evse_id", "pk")
    return {(station_id, evse_id): key for station_id, evse_id, key in rows}
