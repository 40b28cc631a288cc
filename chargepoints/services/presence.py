"""Whether a station is there, and when it was last heard."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from chargepoints.domain.text import fit
from chargepoints.events import StationConnected, StationDisconnected
from chargepoints.models import Station
from csms.common.bulk import update_each
from csms.common.events import publish

VERSION_LENGTH = 10


def mark_connected(station_id: int, *, version: str, at: datetime) -> None:
    with transaction.atomic():
        Station.objects.filter(pk=station_id).update(
            is_online=True,
            connected_at=at,
            last_seen_at=at,
            ocpp_version=fit(version, VERSION_LENGTH),
        )
        publish(StationConnected(station_id))


def mark_disconnected(station_id: int, *, at: datetime) -> None:
    """Does nothing if the station connected after `at`: the close of an older socket."""
    with transaction.atomic():
        changed = (
            Station.objects.filter(pk=station_id, is_online=True)
            .filter(Q(connected_at__isnull=True) | Q(connected_at__lte=at))
            .update(is_online=False)
        )
        if changed:
            publish(StationDisconnected(station_id))


def record_seen(seen: Mapping[int, datetime]) -> None:
    """When each station was last heard, in one statement; a time never replaces a later one."""
    update_each(
        Station,
        {station_id: {"last_seen_at": at} for station_id, at in seen.items()},
        later_only={"last_seen_at"},
    )
