"""The order in which rows are locked: connectors, then sessions, each by id.

`FOR NO KEY UPDATE`, because an insert that refers to the row (a reading, an event) must not wait.
SQLite has no row locks: there a transaction is IMMEDIATE and therefore alone.
"""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from chargepoints.domain.text import fit
from chargepoints.models import Connector
from transactions.domain.states import SessionState
from transactions.models import Session

# Everything that ending and pricing a session asks for, in the one query that locks it.
_JOINED = ("id_token", "tariff_version__holiday_calendar", "connector__evse__station__site")
_LARGEST_ID = 2**63 - 1
TRANSACTION_ID_LENGTH = 255


def lock_connector(station_id: int, evse_id: int, connector_id: int) -> Connector | None:
    """The connector with its EVSE, station and site; serializes starts on one connector."""
    return (
        Connector.objects.select_for_update(of=("self",), no_key=True)
        .select_related("evse__station__site")
        .filter(evse__station_id=station_id, evse__evse_id=evse_id, connector_id=connector_id)
        .first()
    )


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
