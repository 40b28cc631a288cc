"""Whether a station is there, and when it was last heard."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from chargepoints.domain.text import fit
from chargepoints.events import StationConnected, StationDisconnected
from chargepoints.models import Station
from csms.common import clock
from csms.common.bulk import update_each
from csms.common.events import publish
from csms.common.rows import execute, moment

VERSION_LENGTH = 10
# Written out, because 5,000 chargers may come back at once and building them costs more than
# running them.
_CONNECTED = """
UPDATE chargepoints_station
SET is_online = TRUE, connected_at = %s, last_seen_at = %s, ocpp_version = %s, updated_at = %s
WHERE id = %s
"""
# CAST, so that PostgreSQL looks by the primary key: with statistics from a time when nobody was
# online it takes the index of `is_online` for as good, and reads thousands of rows for one.
_DISCONNECTED = """
UPDATE chargepoints_station SET is_online = FALSE, updated_at = %s
WHERE id = %s AND CAST(is_online AS integer) = 1
"""


def mark_connected(station_id: int, *, version: str, at: datetime) -> None:
    with transaction.atomic(savepoint=False):
        spoken = fit(version, VERSION_LENGTH)
        execute(_CONNECTED, [moment(at), moment(at), spoken, moment(clock.now()), station_id])
        publish(StationConnected(station_id))


def mark_disconnected(station_id: int) -> None:
    """Take the caller's word; it knows, other than by a clock, that no newer socket is open."""
    with transaction.atomic(savepoint=False):
        if execute(_DISCONNECTED, [moment(clock.now()), station_id]):
            publish(StationDisconnected(station_id))


def record_seen(seen: Mapping[int, datetime]) -> dict[int, datetime]:
    """When each station was last heard, in one statement; a time never replaces a later one.

    Returns those that somebody has locked, for a later call: waiting for one would hold all others.
    """
    written = update_each(
        Station,
        {station_id: {"last_seen_at": at} for station_id, at in seen.items()},
        later_only={"last_seen_at"},
        skips_locked=True,
    )
    return {station_id: at for station_id, at in seen.items() if station_id not in written}
