"""The order in which rows are locked: stations, then connectors, then commands, then alerts,
each by id.

`FOR NO KEY UPDATE`, because an insert that refers to a station must not wait for a status.
SQLite has no row locks: there a transaction is IMMEDIATE and therefore alone.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import connection
from django.db.models import Q

from chargepoints.models import (
    Alert,
    CertificateRequest,
    ChargingProfile,
    Command,
    Connector,
    LocalList,
    MaintenanceJob,
    QuirkProfile,
    Station,
)
from csms.common.rows import columns, fetch_all, instance, width

# Written out, because every boot runs it and building it costs more than running it.
_STATION = """
FROM chargepoints_station AS station WHERE id = %s
"""


def lock_station(station_id: int) -> Station:
    """Raises `Station.DoesNotExist`."""
    statement = f"SELECT {columns(Station, 'station')} {_STATION}"
    if connection.features.has_select_for_no_key_update:
        statement += "FOR NO KEY UPDATE"
    found = fetch_all(statement, [station_id])
    if not found:
        raise Station.DoesNotExist(f"There is no station {station_id}.")
    return instance(Station, found[0])


# With each active profile that the station names or whose pattern may fit: there are few of them.
_BOOTING_STATION = """
FROM chargepoints_station AS station
LEFT JOIN chargepoints_quirkprofile AS profile
    ON profile.is_active
    AND (profile.id = station.quirk_profile_id
         OR (profile.vendor || profile.model || profile.firmware) <> '')
WHERE station.id = %s
"""


def lock_booting_station(station_id: int) -> tuple[Station, list[QuirkProfile]]:
    """The station, and the quirk profiles that it could have; raises `Station.DoesNotExist`."""
    statement = (
        f"SELECT {columns(Station, 'station')}, {columns(QuirkProfile, 'profile')} "
        f"{_BOOTING_STATION}"
    )
    if connection.features.has_select_for_no_key_update:
        statement += "FOR NO KEY UPDATE OF station"
    found = fetch_all(statement, [station_id])
    if not found:
        raise Station.DoesNotExist(f"There is no station {station_id}.")
    profile_at = width(Station)
    profiles = [row[profile_at:] for row in found if row[profile_at] is not None]
    return (
        instance(Station, found[0][:profile_at]),
        [instance(QuirkProfile, row) for row in profiles],
    )


def lock_stations(station_ids: Collection[int]) -> list[Station]:
    return list(
        Station.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=station_ids)
        .order_by("pk")
    )


def lock_connectors_of(station_ids: Collection[int]) -> list[Connector]:
    """Every connector of these stations, with its EVSE."""
    return list(
        Connector.objects.select_for_update(of=("self",), no_key=True)
        .filter(evse__station_id__in=station_ids)
        .select_related("evse")
        .order_by("pk")
    )


def lock_command(command_id: UUID) -> Command:
    """Raises `Command.DoesNotExist`."""
    return Command.objects.select_for_update(of=("self",), no_key=True).get(pk=command_id)


def lock_local_list(station_id: int) -> LocalList:
    """The station's list, made if it has none."""
    lists = LocalList.objects.select_for_update(of=("self",), no_key=True)
    return lists.get_or_create(station_id=station_id)[0]


def lock_charging_profiles(station_id: int, condition: Q) -> list[ChargingProfile]:
    return list(
        ChargingProfile.objects.select_for_update(of=("self",), no_key=True)
        .filter(condition, station_id=station_id)
        .order_by("pk")
    )


def lock_jobs(station_id: int, condition: Q) -> list[MaintenanceJob]:
    return list(
        MaintenanceJob.objects.select_for_update(of=("self",), no_key=True)
        .filter(condition, station_id=station_id)
        .order_by("pk")
    )


def lock_certificate_requests(station_id: int, condition: Q) -> list[CertificateRequest]:
    return list(
        CertificateRequest.objects.select_for_update(of=("self",), no_key=True)
        .filter(condition, station_id=station_id)
        .select_related("station__site__operator")
        .order_by("pk")
    )


def lock_alert(alert_id: int) -> Alert:
    """Raises `Alert.DoesNotExist`."""
    return Alert.objects.select_for_update(of=("self",), no_key=True).get(pk=alert_id)
