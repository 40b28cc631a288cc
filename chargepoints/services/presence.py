"""Whether a station is there, and when it was last heard."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from chargepoints.domain.text import fit
from chargepoints.events import StationConnected, StationDisconnected
from chargepoints.models import Station
from csms.common.bulk import update_each
from csms.common.events import publish
from csms.common.rows import execute, moment

VERSION_LENGTH = 10
# Written out, because 5,000 chargers may come back at once and building them costs more than
# running them.
_CONNECTED = """
UPDATE chargepoints_station
SET is_online = TRUE, connected_at = %s, last_seen_at = %s, ocpp_version = %s
WHERE id = %s
"""
_DISCONNECTED = """
UPDATE chargepoints_station SET is_online = FALSE
WHERE id = %s AND is_online AND (connected_at IS NULL OR connected_at <= %s)
"""


def mark_connected(station_id: int, *, version: str, at: datetime) -> None:
    with transaction.atomic(savepoint=False):
        execute(_CONNECTED, [moment(at), moment(at), fit(version, VERSION_LENGTH), station_id])
        publish(StationConnected(station_id))


def mark_disconnected(station_id: int, *, at: datetime) -> None:
    """Does nothing if the station connected after `at`: the close of an older socket."""
    with transaction.atomic(savepoint=False):
        if execute(_DISCONNECTED, [station_id, moment(at)]):
            publish(StationDisconnected(station_id))


def record_seen(seen: Mapping[int, datetime]) -> None:
    """When each station was last heard, in one statement; a time never replaces a later one."""
    update_each(
        Station,
        {station_id: {"last_seen_at": at} for station_id, at in seen.items()},
        later_only={"last_seen_at"},
    )
