"""Which connector and session a charger's meter values belong to."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db.models import Q

from chargepoints.models import Connector
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session

LARGEST_ID = 2**63 - 1


class Place(NamedTuple):
    """What a MeterValues names; `transaction_id` is empty where the charger named none."""

    station_id: int
    evse_id: int
    connector_id: int
    transaction_id: str


class Target(NamedTuple):
    """Primary keys; None where the station has no such connector, or no session is meant."""

    connector_id: int | None
    session_id: int | None


class ReadingTargets:
    """Finds targets, remembering what cannot change: a transaction id once seen stays its session.

    Which session is open on a connector does change, so that is asked anew for every batch in
    which a charger named no transaction of its own. For one thread at a time.
    """

    def __init__(self, capacity: int = 50_000) -> None:
        self._capacity = capacity
        self._targets: dict[Place, Target] = {}
        self._connectors: dict[tuple[int, int, int], int] = {}

    def resolve(self, places: Collection[Place]) -> dict[Place, Target]:
        """Return the target of each of `places`, with at most two queries for all of them."""
        known = self._targets
        found = {place: known[place] for place in places if place in known}
        missing = [place for place in places if place not in found]
        if missing:
            self._make_room()
            self._learn_connectors(missing)
            found.update(self._find_sessions(set(missing)))
        return found

    def _make_room(self) -> None:
        if len(self._targets) > self._capacity:
            self._targets.clear()
        if len(self._connectors) > self._capacity:
            self._connectors.clear()

    def _learn_connectors(self, places: Iterable[Place]) -> None:
        stations = {place.station_id for place in places if place[:3] not in self._connectors}
        if not stations:
            return
        rows = Connector.objects.filter(evse__station_id__in=stations).values_list(
            "evse__station_id", "evse__evse_id", "connector_id", "pk"
        )
        for station_id, evse_id, connector_id, primary_key in rows:
            self._connectors[station_id, evse_id, connector_id] = primary_key

    def _find_sessions(self, places: Collection[Place]) -> dict[Place, Target]:
        named = {place.transaction_id for place in places if place.transaction_id}
        numbers = {int(name) for name in named if name.isdecimal() and int(name) <= LARGEST_ID}
        rows = Session.objects.filter(
            Q(state__in=OPEN_SESSION_STATES)
            | Q(pk__in=numbers, ocpp_transaction_id__isnull=True)
            | Q(ocpp_transaction_id__in=named),
            station_id__in={place.station_id for place in places},
        ).values_list("station_id", "pk", "ocpp_transaction_id", "connector_id", "state")
        by_name: dict[tuple[int, str], int] = {}
        open_on: dict[int, int] = {}
        for station_id, primary_key, charger_id, connector_id, state in rows:
            by_name[station_id, charger_id or str(primary_key)] = primary_key
            if state in OPEN_SESSION_STATES:  # at most one per connector, by constraint
                open_on[connector_id] = primary_key
        return {place: self._target(place, by_name, open_on) for place in places}

    def _target(
        self, place: Place, by_name: dict[tuple[int, str], int], open_on: dict[int, int]
    ) -> Target:
        connector = self._connectors.get(place[:3])
        session = by_name.get((place.station_id, place.transaction_id))
        if session is None:
            return Target(connector, None if connector is None else open_on.get(connector))
        target = Target(connector, session)
        if connector is not None:
            self._targets[place] = target
        return target
