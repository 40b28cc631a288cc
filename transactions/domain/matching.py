"""Which session a stop ends whose transaction id leads to none.

Chargers that started while they were offline invent an id (-1, 0, a counter of their own) or write
one that nobody can read; others send the stop before the start. Energy in Wh, power in W.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from transactions.domain.energy import RegisterSample, possible_wh
from transactions.domain.inputs import SessionStop


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that got no stop of its charger yet. `last`: the newest register value known.

    `next_started_at`: when the next session began on its connector.
    """

    session_id: int
    started_at: datetime
    meter_start_wh: int | None
    last: RegisterSample | None
    id_token: str
    max_power_w: int
    next_started_at: datetime | None = None


def is_placeholder(transaction_id: str) -> bool:
    """Whether the id is none that was ever given out: unreadable, 0 or below."""
    if not transaction_id:
        return True
    try:
        return int(transaction_id) <= 0
    except ValueError:
        return False


def meant(stop: SessionStop, candidates: Iterable[Candidate]) -> Candidate | None:
    """The one candidate that the stop fits by time, meter and token; None if none or several do.

    A stop that names somebody's number must also name the session's own token.
    """
    fitting = [found for found in candidates if fits(stop, found)]
    if len(fitting) != 1:
        return None
    is_named = stop.id_token.lower() == fitting[0].id_token.lower() != ""
    return fitting[0] if is_named or is_placeholder(stop.transaction_id) else None


def fits(stop: SessionStop, session: Candidate) -> bool:
    """Whether the stop can be the session's: nothing contradicts it, and its meter goes on."""
    if stop.id_token and stop.id_token.lower() != session.id_token.lower():
        return False
    if stop.ended_at < session.started_at:
        return False
    if session.next_started_at is not None and stop.ended_at > session.next_started_at:
        return False
    return _continues(stop, session)


def _continues(stop: SessionStop, session: Candidate) -> bool:
    if stop.meter_stop_wh is None or session.meter_start_wh is None:
        return False
    start = RegisterSample(session.started_at, session.meter_start_wh)
    before = [start] if session.last is None else [start, session.last]
    return all(
        0
        <= stop.meter_stop_wh - known.wh
        <= possible_wh(max(stop.ended_at, known.at) - known.at, session.max_power_w)
        for known in before
    )
