"""What charging costs at a station now, for all its EVSEs in a fixed number of queries."""

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q

from chargepoints.models import Station
from transactions.models import Tariff, TariffAssignment, TariffVersion, TariffWindow


def versions_at(station: Station, at: datetime) -> dict[int, TariffVersion | None]:
    """By EVSE number, with windows; the same rule as `tariffs.version_for`.

    `station` comes with its site and its EVSEs.
    """
    evses = list(station.evses.all())
    tariffs = _assigned(station, at)
    default = _default_of(station) if any(e.pk not in tariffs for e in evses) else None
    chosen = {evse.evse_id: tariffs.get(evse.pk, default) for evse in evses}
    versions = _current({key for key in chosen.values() if key is not None}, at)
    return {
        number: versions.get(key) if key is not None else None for number, key in chosen.items()
    }


def _assigned(station: Station, at: datetime) -> dict[int, int]:
    """The tariff of each EVSE that has one by assignment: narrowest place, then newest."""
    rows = TariffAssignment.objects.filter(
        Q(evse__station=station) | Q(station=station) | Q(site=station.site_id),
        effective_from__lte=at,
    ).order_by("effective_from", "pk")
    newest = {(row.evse_id, row.station_id, row.site_id): row.tariff_id for row in rows}
    found = {}
    for evse in station.evses.all():
        places = ((evse.pk, None, None), (None, station.pk, None), (None, None, station.site_id))
        tariff = next((newest[place] for place in places if place in newest), None)
        if tariff is not None:
            found[evse.pk] = tariff
    return found


def _default_of(station: Station) -> int | None:
    return (
        Tariff.objects.filter(operator_id=station.site.operator_id, is_default=True)
        .values_list("pk", flat=True)
        .first()
    )


def _current(tariff_ids: set[int], at: datetime) -> dict[int, TariffVersion]:
    windows: Prefetch[Any] = Prefetch("windows", TariffWindow.objects.order_by("priority", "pk"))
    # Oldest first, so that the newest in effect stays.
    versions = (
        TariffVersion.objects.filter(tariff_id__in=tariff_ids, effective_from__lte=at)
        .select_related("tariff")
        .prefetch_related(windows)
        .order_by("effective_from")
    )
    return {version.tariff_id: version for version in versions}
