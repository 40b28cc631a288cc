"""What a start has to know of other sessions."""

from typing import NamedTuple

from django.db import connection

from transactions.domain.states import OPEN_SESSION_STATES, UNFINISHED_SESSION_STATES, SessionState


class RelatedSession(NamedTuple):
    pk: int
    station_id: int
    connector_id: int
    id_token_id: int | None
    state: SessionState
    start_key: str | None
    ocpp_transaction_id: str | None
    authorization: str
    id_token_value: str


def _states(states: frozenset[SessionState]) -> str:
    return ", ".join(f"'{state.value}'" for state in sorted(states))


# Written out, because every start runs it and building it costs ten times as much as running it.
_RELATED = f"""
SELECT id, station_id, connector_id, id_token_id, state, start_key, ocpp_transaction_id,
       "authorization", id_token_value
FROM transactions_session
WHERE (station_id = %s AND start_key = %s)
   OR (connector_id = %s AND state IN ({_states(UNFINISHED_SESSION_STATES)}))
   OR (id_token_id = %s AND state IN ({_states(OPEN_SESSION_STATES)}))
   OR (station_id = %s AND ocpp_transaction_id = %s)
ORDER BY id
"""  # noqa: S608


def related_sessions(
    *,
    station_id: int,
    connector_id: int,
    start_key: str,
    ocpp_transaction_id: str | None,
    id_token_id: int | None,
) -> list[RelatedSession]:
    """Repetitions of the start, what is unfinished on the connector, what the token has open."""
    values: list[int | str | None] = [
        station_id,
        start_key,
        connector_id,
        id_token_id,
        station_id,
        ocpp_transaction_id,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_RELATED, values)
        rows = cursor.fetchall()
    return [RelatedSession(*row)._replace(state=SessionState(row[4])) for row in rows]
