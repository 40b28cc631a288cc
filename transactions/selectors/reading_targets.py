"""Which connector and session a charger's meter values belong to."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from chargepoints.models import Connector
from csms.common.rows import fetch_all
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session

LONGEST_NUMBER = 18  # digits that fit a primary key
# Station and transaction id: a charger's own ids mean something at that charger only.
Name = tuple[int, str]


class Place(NamedTuple):
    """What a MeterValues names; `transaction_id` is empty where the charger named none."""

    station_id: int
    evse_id: int
    connector_id: int
    transaction_id: str

    @property
    def name(self) -> Name:
        return self.station_id, self.transaction_id


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
        """Return the target of each of `places`, with at most four queries for all of them."""
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
        named = {place.name for place in places if place.transaction_id}
        # One look for each way to find them: with all in one, the planner may read everything that
        # these stations ever charged.
        by_name = _by_our_number(named)
        # Of a station that spoke 1.6 before, an id may be both; it means its own.
        by_name.update(_by_their_name(named))
        unnamed = [place[:3] for place in places if place.name not in by_name]
        open_on = _open_on({self._connectors[at] for at in unnamed if at in self._connectors})
        return {place: self._target(place, by_name, open_on) for place in places}

    def _target(self, place: Place, by_name: dict[Name, int], open_on: dict[int, int]) -> Target:
        connector = self._connectors.get(place[:3])
        session = by_name.get(place.name)
        if session is None:
            return Target(connector, None if connector is None else open_on.get(connector))
        target = Target(connector, session)
        if connector is not None:
            self._targets[place] = target
        return target


def _by_our_number(named: Collection[Name]) -> dict[Name, int]:
    """By primary key, which is the transaction id that 1.6 chargers were given."""
    numbers = {int(name) for _, name in named if name.isdecimal() and len(name) <= LONGEST_NUMBER}
    if not numbers:
        return {}
    rows = Session.objects.filter(
        pk__in=numbers,
        ocpp_transaction_id__isnull=True,
        station_id__in={station_id for station_id, _ in named},
    ).values_list("station_id", "pk")
    found = {(station_id, str(primary_key)): primary_key for station_id, primary_key in rows}
    return {name: found[name] for name in named if name in found}


_THEIR_NAMES = """
SELECT session.station_id, session.ocpp_transaction_id, session.id
FROM transactions_session AS session
WHERE (session.station_id, session.ocpp_transaction_id) IN (VALUES {pairs})
"""


def _by_their_name(named: Collection[Name]) -> dict[Name, int]:
    """By the id that a charger chose itself, unique for its station (2.x)."""
    if not named:
        return {}
    pairs = ", ".join(["(CAST(%s AS bigint), CAST(%s AS varchar))"] * len(named))
    rows = fetch_all(_THEIR_NAMES.format(pairs=pairs), [value for name in named for value in name])
    return {(station_id, name): primary_key for station_id, name, primary_key in rows}


def _open_on(connectors: Collection[int]) -> dict[int, int]:
    """The open session of each connector, of which there is at most one, by constraint."""
    if not connectors:
        return {}
    rows = Session.objects.filter(connector_id__in=connectors, state__in=OPEN_SESSION_STATES)
    return dict(rows.values_list("connector_id", "pk"))
