"""The order in which rows are locked: connectors, then sessions, then reservations, each by id.

`FOR NO KEY UPDATE`, because an insert that refers to the row (a reading, an event) must not wait.
SQLite has no row locks: there a transaction is IMMEDIATE and therefore alone.
"""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet

from chargepoints.domain.text import fit
from transactions.domain.states import SessionState
from transactions.models import Reservation, Session

# What ending and pricing a session asks for as a rule, in the one query that locks it.
_JOINED = ("id_token", "tariff_version", "connector")
_LARGEST_ID = 2**63 - 1
TRANSACTION_ID_LENGTH = 255


class Spot(NamedTuple):
    """Primary keys of a connector and of what it belongs to."""

    connector_id: int
    evse_id: int
    station_id: int
    site_id: int
    operator_id: int


# Written out, because every start runs it and building it costs ten times as much as running it.
_LOCK_CONNECTOR = """
SELECT connector.id, evse.id, station.id, site.id, site.operator_id
FROM chargepoints_connector AS connector
JOIN chargepoints_evse AS evse ON evse.id = connector.evse_id
JOIN chargepoints_station AS station ON station.id = evse.station_id
JOIN chargepoints_site AS site ON site.id = station.site_id
WHERE station.id = %s AND evse.evse_id = %s AND connector.connector_id = %s
"""


def lock_connector(station_id: int, evse_id: int, connector_id: int) -> Spot | None:
    """The connector by its numbers, locked: starts on one connector come one after the other."""
    statement = _LOCK_CONNECTOR
    if connection.features.has_select_for_no_key_update:
        statement += "FOR NO KEY UPDATE OF connector"
    with connection.cursor() as cursor:
        cursor.execute(statement, [station_id, evse_id, connector_id])
        row = cursor.fetchone()
    return None if row is None else Spot(*row)


def _sessions() -> QuerySet[Session]:
    return Session.objects.select_for_update(of=("self",), no_key=True).select_related(*_JOINED)


def lock_session(session_id: int) -> Session:
    """Raises `Session.DoesNotExist`."""
    return _sessions().get(pk=session_id)


def lock_sessions(session_ids: Collection[int]) -> list[Session]:
    return list(_sessions().filter(pk__in=session_ids).order_by("pk"))


def lock_sessions_of_station(station_id: int, states: Collection[SessionState]) -> list[Session]:
    return list(_sessions().filter(station_id=station_id, state__in=states).order_by("pk"))


def lock_transaction(station_id: int, transaction_id: str) -> Session | None:
    """The session that a charger calls `transaction_id`.

    The charger's own id (2.x) is unique per station; ours (1.6) is the primary key, and the
    session found by it may belong to another station: the caller must look.
    """
    charger_id = fit(transaction_id, TRANSACTION_ID_LENGTH)
    wanted = Q(station_id=station_id, ocpp_transaction_id=charger_id)
    if transaction_id.isascii() and transaction_id.isdecimal():
        number = int(transaction_id[:20])
        if 0 < number <= _LARGEST_ID:
            wanted |= Q(pk=number, ocpp_transaction_id__isnull=True)
    found = list(_sessions().filter(wanted).order_by("pk"))
    return next((s for s in found if s.station_id == station_id), found[0] if found else None)


def lock_reservations(condition: Q) -> list[Reservation]:
    return list(
        Reservation.objects.select_for_update(of=("self",), no_key=True)
        .filter(condition)
        .select_related("id_token")
        .order_by("pk")
    )
