"""What an import of charge points finds in the database and writes to it, in few statements."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.functions import Lower
from django.utils.text import slugify

from accounts.models import Operator
from chargepoints.events import CredentialsChanged
from chargepoints.models import Connector, Evse, Site, Station
from chargepoints.models.connectors import new_public_code
from chargepoints.services.security_settings import forget_password_changes
from csms.common import audit, clock
from csms.common.audit import Actor
from csms.common.bulk import update_each
from csms.common.events import publish
from csms.imports.chargepoint_plan import Plan, StationPlan
from transactions.models import Tariff, TariffAssignment

_BATCH = 500
_STATION_FIELDS = (
    "site_id",
    "vendor",
    "model",
    "allowed_versions",
    "security_profile",
    "next_security_profile",
    "password_hash",
    "updated_at",
)


@dataclass(slots=True)
class Stored:
    """What is known, by the keys that a file uses; names without regard to case, sites with."""

    operators: dict[str, Operator] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    sites: dict[tuple[str, str], Site] = field(default_factory=dict)
    tariffs: dict[tuple[str, str], Tariff] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)

    def add_operator(self, operator: Operator) -> None:
        self.codes.add(operator.code)
        self.operators[operator.code.lower()] = operator
        self.operators[operator.name.lower()] = operator

    def new_code(self, name: str) -> str:
        """A code from the name; from its hash where the name has no letters of ASCII."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        base = slugify(name)[:40] or f"operator-{digest}"
        return base if base not in self.codes else f"{base}-{digest}"


@dataclass(slots=True)
class Written:
    """Keys of the stations that were there before and changed."""

    changed: set[int] = field(default_factory=set)
    with_more_connectors: int = 0


def load(identities: Iterable[str]) -> Stored:
    stored = Stored()
    # Names first, so that a code wins over another operator's name.
    operators = list(Operator.objects.all())
    for operator in operators:
        stored.operators[operator.name.lower()] = operator
    for operator in operators:
        stored.operators[operator.code.lower()] = operator
        stored.codes.add(operator.code)
    for site in Site.objects.select_related("operator"):
        stored.sites[site.operator.code, site.name] = site
    for tariff in Tariff.objects.select_related("operator"):
        stored.tariffs[tariff.operator.code, tariff.name.lower()] = tariff
    wanted = sorted({identity.lower() for identity in identities if identity})
    for batch in _batches(wanted):
        rows = Station.objects.alias(folded=Lower("identity")).filter(folded__in=batch)
        for station in rows.select_related("site__operator"):
            stored.stations[station.identity.lower()] = station
    return stored


@transaction.atomic
def write(plan: Plan, stored: Stored, actor: Actor) -> Written:
    now = clock.now()
    Operator.objects.bulk_create(plan.operators)
    for site in plan.sites:
        site.operator_id = site.operator.pk
    Site.objects.bulk_create(plan.sites, batch_size=_BATCH)
    for site in plan.moved_sites:
        site.updated_at = now
    update_each(Site, _values(plan.moved_sites, ("latitude", "longitude", "updated_at")))

    new = [item for item in plan.stations if item.is_new]
    for item in plan.stations:
        item.station.site_id = item.station.site.pk
    Station.objects.bulk_create([item.station for item in new], batch_size=_BATCH)
    touched = [item for item in plan.stations if not item.is_new and item.changes]
    for item in touched:
        item.station.updated_at = now
    update_each(Station, _values([item.station for item in touched], _STATION_FIELDS))
    forget_password_changes([i.station.pk for i in touched if "password" in i.changes])

    written = Written(changed={item.station.pk for item in touched})
    _write_evses(plan.stations, written)
    _write_connectors(plan.stations, written)
    _write_tariffs(plan.stations, written, now)
    for keys in _batches(sorted(written.changed)):
        # Their connectors may be all that changed.
        Station.objects.filter(pk__in=keys).update(updated_at=now)
    _end_trust([item.station.pk for item in touched if item.is_stricter])
    _audit(plan, written, actor)
    return written


def _end_trust(station_ids: Sequence[int]) -> None:
    """Let chargers that are connected sign in again."""
    now = clock.now()  # not when the import began: others have connected since
    for keys in _batches(station_ids):
        Station.objects.filter(pk__in=keys).update(credentials_changed_at=now)
    for station_id in station_ids:
        publish(CredentialsChanged(station_id))


def _write_evses(items: Sequence[StationPlan], written: Written) -> None:
    """EVSEs 1 … `connectors` of each station; a new station has one if the cell is empty."""
    known = _evse_numbers([item.station.pk for item in items if not item.is_new])
    missing: list[Evse] = []
    for item in items:
        there = known.get(item.station.pk, set())
        count = item.row.connectors or (1 if item.is_new else 0)
        if count and len(there) > count:
            written.with_more_connectors += 1
        absent = [number for number in range(1, count + 1) if number not in there]
        if absent and not item.is_new:
            written.changed.add(item.station.pk)
            item.changes["evses"] = absent
        missing += [Evse(station=item.station, evse_id=number) for number in absent]
    _make_codes_unique(missing)
    Evse.objects.bulk_create(missing, batch_size=_BATCH)


def _evse_numbers(station_ids: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for batch in _batches(station_ids):
        rows = Evse.objects.filter(station_id__in=batch).values_list("station_id", "evse_id")
        for station_id, number in rows:
            found.setdefault(station_id, set()).add(number)
    return found


def _make_codes_unique(evses: Sequence[Evse]) -> None:
    """Random codes of thousands of EVSEs meet now and then."""
    taken = set(Evse.objects.values_list("public_code", flat=True)) if evses else set()
    for evse in evses:
        while evse.public_code in taken:
            evse.public_code = new_public_code()
        taken.add(evse.public_code)


def _write_connectors(items: Sequence[StationPlan], written: Written) -> None:
    """Connector 1 of each EVSE that the row speaks of, with its type and power."""
    plans = {item.station.pk: item for item in items}
    made: list[Connector] = []
    changed: list[Connector] = []
    for batch in _batches(sorted(plans)):
        known = {
            connector.evse_id: connector
            for connector in Connector.objects.filter(evse__station_id__in=batch, connector_id=1)
        }
        for evse in Evse.objects.filter(station_id__in=batch):
            item = plans[evse.station_id]
            if item.row.connectors is not None and evse.evse_id > item.row.connectors:
                continue
            connector = known.get(evse.pk)
            if connector is None:
                connector = Connector(evse=evse, connector_id=1)
                _apply(connector, item)
                made.append(connector)
            elif _apply(connector, item):
                changed.append(connector)
                written.changed.add(item.station.pk)
                item.changes["connectors"] = [item.row.connector_type, item.row.max_power_w]
    Connector.objects.bulk_create(made, batch_size=_BATCH)
    update_each(Connector, _values(changed, ("type", "max_power_w")))


def _apply(connector: Connector, item: StationPlan) -> bool:
    before = (connector.type, connector.max_power_w)
    connector.type = item.row.connector_type or connector.type
    connector.max_power_w = item.row.max_power_w or connector.max_power_w
    return (connector.type, connector.max_power_w) != before


def _write_tariffs(items: Sequence[StationPlan], written: Written, now: datetime) -> None:
    """An assignment from now on, where the station's present one names another tariff."""
    wanted = {item.station.pk: item for item in items if item.tariff is not None}
    present: dict[int, int] = {}
    for batch in _batches(sorted(wanted)):
        rows = TariffAssignment.objects.filter(station_id__in=batch, effective_from__lte=now)
        ordered = rows.order_by("effective_from", "pk").values_list("station_id", "tariff_id")
        present |= {station_id: tariff_id for station_id, tariff_id in ordered if station_id}
    assignments = []
    for station_id, item in wanted.items():
        if item.tariff is None or present.get(station_id) == item.tariff.pk:
            continue
        assignments.append(
            TariffAssignment(tariff=item.tariff, station=item.station, effective_from=now)
        )
        if not item.is_new:
            written.changed.add(station_id)
            item.changes["tariff"] = item.tariff.name
    TariffAssignment.objects.bulk_create(assignments, batch_size=_BATCH)


def _audit(plan: Plan, written: Written, actor: Actor) -> None:
    made: list[tuple[Model, dict[str, object]]] = [
        (operator, {"name": operator.name}) for operator in plan.operators
    ]
    made += [(site, {"name": site.name}) for site in plan.sites]
    made += [
        (item.station, {"identity": item.station.identity, "line": item.row.line})
        for item in plan.stations
        if item.is_new
    ]
    audit.record_many(actor, "import.create", made)
    changed: list[tuple[Model, dict[str, object]]] = [
        (site, {"latitude": str(site.latitude), "longitude": str(site.longitude)})
        for site in plan.moved_sites
    ]
    changed += [
        (item.station, item.changes) for item in plan.stations if item.station.pk in written.changed
    ]
    audit.record_many(actor, "import.update", changed)


def _values(rows: Iterable[Model], names: Sequence[str]) -> dict[int, dict[str, Any]]:
    return {row.pk: {name: getattr(row, name) for name in names} for row in rows}


def _batches(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + _BATCH] for start in range(0, len(values), _BATCH)]
