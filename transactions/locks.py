"""The order in which rows are locked: connectors, then sessions, then reservations, each by id.

Before these: the driver, where what one person asks for comes one after the other, and a command,
whose end holds it before what follows from it is written.

`FOR NO KEY UPDATE`, because an insert that refers to the row (a reading, an event) must not wait.
SQLite has no row locks: there a transaction is IMMEDIATE and therefore alone.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from accounts.models import IdToken
from chargepoints.domain.text import fit
from chargepoints.models import Connector
from csms.common.rows import columns, fetch_all, instance, width
from transactions.domain.states import SessionState
from transactions.models import Reservation, Session, TariffVersion
from transactions.models.review import ORPHAN_KINDS

_LARGEST_ID = 2**63 - 1
TRANSACTION_ID_LENGTH = 255


class Spot(NamedTuple):
    """Primary keys of a connector and of what it belongs to.

    `has_kept_stops`: some of its station's stops wait for the session that they end.
    """

    connector_id: int
    evse_id: int
    station_id: int
    site_id: int
    operator_id: int
    has_kept_stops: bool


# Written out, because every start runs it and building it costs ten times as much as running it.
_LOCK_CONNECTOR = """
SELECT connector.id, evse.id, station.id, site.id, site.operator_id, EXISTS (
    SELECT 1 FROM transactions_reviewitem AS kept
    WHERE kept.station_id = station.id AND kept.resolved_at IS NULL
    AND kept.kind IN (%s, %s)
)
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
        cursor.execute(statement, [*ORPHAN_KINDS, station_id, evse_id, connector_id])
        row = cursor.fetchone()
    return None if row is None else Spot._make((*row[:-1], bool(row[-1])))


# What ending and pricing a session asks for as a rule, in the one query that locks it.
_SESSIONS = """
FROM transactions_session AS session
LEFT JOIN accounts_idtoken AS token ON token.id = session.id_token_id
LEFT JOIN transactions_tariffversion AS version ON version.id = session.tariff_version_id
JOIN chargepoints_connector AS connector ON connector.id = session.connector_id
"""


def _lock_sessions(
    condition: str, values: Sequence[int | str], *, skips_locked: bool = False
) -> list[Session]:
    """The sessions, each with its token, tariff version and connector. No value in `condition`."""
    statement = f"SELECT {_columns()} {_SESSIONS} WHERE {condition} ORDER BY session.id"
    if connection.features.has_select_for_no_key_update:
        statement += " FOR NO KEY UPDATE OF session"
        statement += " SKIP LOCKED" if skips_locked else ""
    return [_session(row) for row in fetch_all(statement, values)]


@cache
def _columns() -> str:
    parts = ((Session, "session"), (IdToken, "token"), (TariffVersion, "version"))
    return ", ".join(columns(*part) for part in (*parts, (Connector, "connector")))


def _session(row: tuple[Any, ...]) -> Session:
    token_at = width(Session)
    version_at = token_at + width(IdToken)
    connector_at = version_at + width(TariffVersion)
    session = instance(Session, row[:token_at])
    # By what was joined, not by what is referred to: that may have been set while we waited.
    if row[token_at] is not None:
        session.id_token = instance(IdToken, row[token_at:version_at])
    if row[version_at] is not None:
        session.tariff_version = instance(TariffVersion, row[version_at:connector_at])
    session.connector = instance(Connector, row[connector_at:])
    return session


def lock_session(session_id: int) -> Session:
    """Raises `Session.DoesNotExist`."""
    found = _lock_sessions("session.id = %s", [session_id])
    if not found:
        raise Session.DoesNotExist(f"There is no session {session_id}.")
    return found[0]


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def lock_sessions(
    session_ids: Collection[int],
    states: Collection[SessionState] = tuple(SessionState),
    *,
    skips_locked: bool = False,
) -> list[Session]:
    """Those of the sessions that are in one of `states`; the others are not locked.

    `skips_locked` leaves out those that somebody else has locked (PostgreSQL).
    """
    if not session_ids:
        return []
    wanted = f"session.id IN ({_places(session_ids)}) AND session.state IN ({_places(states)})"
    values = [*session_ids, *(state.value for state in states)]
    return _lock_sessions(wanted, values, skips_locked=skips_locked)


# By connector, because the index of unfinished sessions is. Most stations that boot have none.
_AT_STATION = """
SELECT session.id
FROM chargepoints_evse AS evse
JOIN chargepoints_connector AS connector ON connector.evse_id = evse.id
JOIN transactions_session AS session ON session.connector_id = connector.id
WHERE evse.station_id = %s
"""


def lock_sessions_of_station(station_id: int, states: Collection[SessionState]) -> list[Session]:
    """Those of the sessions at the station's connectors that are in one of these states."""
    wanted = ", ".join(f"'{state.value}'" for state in states)
    found = fetch_all(f"{_AT_STATION} AND session.state IN ({wanted})", [station_id])
    # Their states are known for certain only under the lock.
    return lock_sessions([key for (key,) in found], states)


def lock_transaction(station_id: int, transaction_id: str) -> Session | None:
    """The session that a charger calls `transaction_id`.

    The charger's own id (2.x) is unique per station; ours (1.6) is the primary key, and the
    session found by it may belong to another station: the caller must look.
    """
    charger_id = fit(transaction_id, TRANSACTION_ID_LENGTH)
    wanted = "session.station_id = %s AND session.ocpp_transaction_id = %s"
    values: list[int | str] = [station_id, charger_id]
    if transaction_id.isascii() and transaction_id.isdecimal():
        number = int(transaction_id[:20])
        if 0 < number <= _LARGEST_ID:
            wanted = f"{wanted} OR session.id = %s AND session.ocpp_transaction_id IS NULL"
            values.append(number)
    found = _lock_sessions(wanted, values)
    return next((s for s in found if s.station_id == station_id), found[0] if found else None)


def lock_reservations(condition: Q) -> list[Reservation]:
    return list(
        Reservation.objects.select_for_update(of=("self",), no_key=True)
        .filter(condition)
        .select_related("id_token")
        .order_by("pk")
    )
