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


class Related(NamedTuple):
    """`is_archived`: the station is, as seen after the caller's lock of the connector."""

    is_archived: bool
    sessions: list[RelatedSession]


# Written out, because every start runs it and building it costs ten times as much as running it.
# The station stands here and not with the lock of the connector: a statement that has waited for a
# lock still sees the rows of other tables as they were when it began.
_RELATED = f"""
SELECT station.archived_at IS NOT NULL, session.id, session.station_id, session.connector_id,
       session.id_token_id, session.state, session.start_key, session.ocpp_transaction_id,
       session."authorization", session.id_token_value
FROM chargepoints_station AS station
LEFT JOIN transactions_session AS session
    ON (session.station_id = %s AND session.start_key = %s)
    OR (session.connector_id = %s AND session.state IN ({_states(UNFINISHED_SESSION_STATES)}))
    OR (session.id_token_id = %s AND session.state IN ({_states(OPEN_SESSION_STATES)}))
    OR (session.station_id = %s AND session.ocpp_transaction_id = %s)
WHERE station.id = %s
ORDER BY session.id
"""  # noqa: S608


def related_sessions(
    *,
    station_id: int,
    connector_id: int,
    start_key: str,
    ocpp_transaction_id: str | None,
    id_token_id: int | None,
) -> Related:
    """Repetitions of the start, what is unfinished on the connector, what the token has open."""
    values: list[int | str | None] = [
        station_id,
        start_key,
        connector_id,
        id_token_id,
        station_id,
        ocpp_transaction_id,
        station_id,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_RELATED, values)
        rows = cursor.fetchall()
    sessions = [
        RelatedSession(*row)._replace(state=SessionState(row[4]))
        for _archived, *row in rows
        if row[0] is not None
    ]
    return Related(any(row[0] for row in rows), sessions)
