"""Which gateway process holds a station's socket: a lease with an epoch that only grows.

The newest authenticated socket wins. Whoever holds an older epoch may write nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from chargepoints.models import CertificateRequest
from chargepoints.services import commands, presence
from csms.common.rows import columns, execute, fetch_all, instance, moment, update
from ocpp_gateway.models import GatewayNode, StationConnection

NODE_HEARTBEAT = timedelta(seconds=5)
# A process that has not been heard for so long is dead, or as good as dead to its chargers.
NODE_TIMEOUT = timedelta(seconds=30)
ADDRESS_LENGTH = 64
_TAKEN = (
    "epoch",
    "node",
    "version",
    "remote_address",
    "connected_at",
    "credentials_changed_at",
    "closed_at",
    "close_code",
)
# Written out, because 5,000 chargers may come back at once and building them costs more than
# running them.
_HELD = """
FROM ocpp_gateway_stationconnection AS held WHERE station_id = %s
"""
_MAKE = """
INSERT INTO ocpp_gateway_stationconnection (station_id, epoch, version, remote_address)
VALUES (%s, 0, '', '') ON CONFLICT DO NOTHING
"""
_RELEASE = """
UPDATE ocpp_gateway_stationconnection SET closed_at = %s, close_code = %s
WHERE station_id = %s AND epoch = %s AND closed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """`rival`: another process that may still hold an older socket of the station."""

    epoch: int
    rival: UUID | None


@transaction.atomic(savepoint=False)
def take(
    station_id: int,
    node_id: UUID,
    *,
    version: str,
    address: str,
    at: datetime,
    credentials_changed_at: datetime | None = None,
) -> Lease:
    """Make the caller the owner; what was in flight on an older socket has no answer any more.

    `credentials_changed_at`: the station's, read together with the credentials that let it in.
    """
    while (held := _lock(station_id)) is None:
        _make(station_id)
    rival = held.node_id if held.closed_at is None and held.node_id != node_id else None
    held.epoch += 1
    held.node_id = node_id
    held.version = version
    held.remote_address = address[:ADDRESS_LENGTH]
    held.connected_at = at
    held.credentials_changed_at = credentials_changed_at
    held.closed_at = held.close_code = None
    update(held, _TAKEN)
    _give_up_in_flight(station_id, held.epoch, at)
    presence.mark_connected(station_id, version=version, at=at)
    return Lease(held.epoch, rival)


@transaction.atomic(savepoint=False)
def release(station_id: int, epoch: int, *, code: int | None, at: datetime) -> bool:
    """End the lease of `epoch`; False, and nothing written, if a newer socket has taken over."""
    if not execute(_RELEASE, [moment(at), code, station_id, epoch]):
        return False
    _give_up_in_flight(station_id, epoch + 1, at)
    presence.mark_disconnected(station_id)
    return True


def _lock(station_id: int) -> StationConnection | None:
    statement = f"SELECT {columns(StationConnection, 'held')} {_HELD}"
    if connection.features.has_select_for_update:
        statement += "FOR UPDATE"
    found = fetch_all(statement, [station_id])
    return instance(StationConnection, found[0]) if found else None


def _make(station_id: int) -> None:
    """For a station's first connection; two may arrive at once."""
    execute(_MAKE, [station_id])


def _give_up_in_flight(station_id: int, epoch_below: int, at: datetime) -> None:
    """What was sent on an older socket: the outcome is unknown, and nobody needs to wait for it.

    Not failed, and never sent again: the charger may have done what it was asked.
    """
    for command_id in commands.in_flight(station_id, epoch_below):
        commands.time_out(command_id, at)


def _entitled() -> QuerySet[StationConnection]:
    """Connections of which nobody has taken away since why they were let in."""
    revoked = CertificateRequest.objects.filter(
        station=OuterRef("station"), revoked_at__gt=OuterRef("connected_at")
    )
    unchanged = Q(station__credentials_changed_at__isnull=True) | Q(
        credentials_changed_at=F("station__credentials_changed_at")
    )
    return StationConnection.objects.filter(unchanged, station__archived_at__isnull=True).exclude(
        Exists(revoked)
    )


@transaction.atomic
def reclaim(station_id: int, epoch: int, node_id: UUID, at: datetime) -> bool:
    """Take back a lease that was released while its owner could not be heard, but lives.

    False if a newer socket has it, or the station was archived, its certificate revoked or its
    credentials changed since.
    """
    held = _lock(station_id)
    if held is None or held.epoch != epoch:
        return False
    if not _entitled().filter(pk=held.pk).exists():
        return False
    held.node_id = node_id
    held.closed_at = held.close_code = None
    held.save(update_fields=["node", "closed_at", "close_code"])
    presence.mark_connected(station_id, version=held.version, at=at)
    return True


def lock_if_held(station_id: int, epoch: int) -> bool:
    """Whether `epoch` holds the lease; then nobody takes it before the caller's transaction ends.

    Without the lock a newer socket could take over between this look and what the caller writes,
    and would not find it among what is in flight.
    """
    held = StationConnection.objects.select_for_update(no_key=True).filter(
        station_id=station_id, epoch=epoch, closed_at__isnull=True
    )
    return bool(held.values_list("epoch"))


def held_by(node_id: UUID) -> dict[int, int]:
    """Station and epoch of every lease that the process has and whose station may be connected."""
    held = _entitled().filter(node_id=node_id, closed_at__isnull=True)
    return dict(held.values_list("station_id", "epoch"))


def beat(node_id: UUID, *, host: str, process_id: int, started_at: datetime, at: datetime) -> None:
    """Say that the process lives; makes its row if there is none (any more)."""
    GatewayNode.objects.update_or_create(
        pk=node_id,
        defaults={"heartbeat_at": at},
        create_defaults={
            "host": host,
            "process_id": process_id,
            "started_at": started_at,
            "heartbeat_at": at,
        },
    )


def forget(node_id: UUID) -> None:
    """Remove the row of a process that ends and holds no lease."""
    GatewayNode.objects.filter(pk=node_id).delete()


def release_dead_nodes(now: datetime) -> int:
    """Release the leases of processes that are no longer heard; return how many stations."""
    alive = GatewayNode.objects.filter(heartbeat_at__gte=now - NODE_TIMEOUT)
    orphans = StationConnection.objects.filter(closed_at__isnull=True).exclude(node__in=alive)
    released = 0
    for station_id, epoch in orphans.values_list("station_id", "epoch"):
        released += release(station_id, epoch, code=None, at=now)
    GatewayNode.objects.filter(heartbeat_at__lt=now - NODE_TIMEOUT).delete()
    return released
