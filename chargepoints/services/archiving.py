"""Taking stations away and giving them back; what keeps one from going is told by apps above.

The table is `csms/archive_obstacles.py`.
"""

from collections.abc import Callable

from django.db import transaction

from chargepoints.events import StationArchived
from chargepoints.locks import lock_connectors_of, lock_station
from chargepoints.models import Station
from chargepoints.services import commands
from csms.common import audit, clock
from csms.common.audit import Actor
from csms.common.events import publish

# Raises a `DomainError` if the station of this id must stay. It runs in the transaction that
# archives, in which nothing begins at the station's connectors.
Obstacle = Callable[[int], None]
_obstacles: dict[str, Obstacle] = {}


def register(name: str, obstacle: Obstacle) -> None:
    _obstacles[name] = obstacle


def archive_station(station: Station, *, actor: Actor, reason: str = "") -> Station:
    """Take the station away for everybody; its history stays. Again: no change.

    Raises `Conflict` while something is under way there.
    """
    with transaction.atomic():
        locked = lock_station(station.pk)
        if locked.archived_at is not None:
            return locked
        # What begins at a connector holds it: it is seen here, or it sees the archived station.
        lock_connectors_of([locked.pk])
        commands.cancel_queued(locked.pk, "The station was archived.")
        for obstacle in _obstacles.values():
            obstacle(locked.pk)
        locked.archived_at = clock.now()
        locked.save(update_fields=["archived_at", "updated_at"])
        audit.record(actor, "station.archive", locked, reason=reason)
        publish(StationArchived(locked.pk))
    return locked


def restore_station(station: Station, *, actor: Actor, reason: str = "") -> Station:
    with transaction.atomic():
        locked = lock_station(station.pk)
        if locked.archived_at is None:
            return locked
        locked.archived_at = None
        locked.save(update_fields=["archived_at", "updated_at"])
        audit.record(actor, "station.restore", locked, reason=reason)
    return locked
