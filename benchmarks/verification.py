"""Is every acknowledged sample and session in the database, with what the charger sent?"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from benchmarks.messages import SESSION_PRICE, SESSION_WH, Sample, sample_of

SHOWN = 3


class StoredReading(NamedTuple):
    """A row of readings, under the identity of its station."""

    identity: str
    session_id: int | None
    sample: Sample


class StoredSession(NamedTuple):
    id: int
    state: str
    energy_wh: int
    total_gross: Decimal | None


class VerificationFailed(RuntimeError):
    """The database does not hold what was acknowledged."""


def verify_readings(
    acknowledged: Mapping[str, Sequence[int]], stored: Iterable[StoredReading]
) -> int:
    """The number of acknowledged samples; `VerificationFailed` if one is missing or altered.

    `acknowledged` maps a charger's identity to the energy register values it had confirmed. More
    rows than acknowledged are allowed: a message may be stored and its answer lost.
    """
    missing = {identity: set(energies) for identity, energies in acknowledged.items()}
    count = sum(map(len, missing.values()))
    if count != sum(map(len, acknowledged.values())):
        raise VerificationFailed("The load used an energy value twice: it proves nothing.")
    altered = []
    for reading in stored:
        expected = missing.get(reading.identity)
        if expected is None or reading.sample.energy_wh not in expected:
            continue
        if reading.sample == sample_of(reading.sample.energy_wh) and reading.session_id is not None:
            expected.discard(reading.sample.energy_wh)
        else:
            altered.append(reading)
    lost = [(identity, energy) for identity, left in missing.items() for energy in sorted(left)]
    if lost or altered:
        raise VerificationFailed(
            f"{len(lost)} of {count} acknowledged samples are not in the database as they were "
            f"sent, e.g. {lost[:SHOWN]}; altered: {altered[:SHOWN]}"
        )
    return count


def verify_sessions(acknowledged: Iterable[int], stored: Iterable[StoredSession]) -> int:
    """The number of acknowledged sessions; `VerificationFailed` unless all are ended and priced."""
    rows = {session.id: session for session in stored}
    ids = list(acknowledged)
    wrong = [
        rows.get(session_id, session_id)
        for session_id in ids
        if rows.get(session_id) != StoredSession(session_id, "ENDED", SESSION_WH, SESSION_PRICE)
    ]
    if wrong or len(set(ids)) != len(ids):
        raise VerificationFailed(
            f"{len(wrong)} of {len(ids)} acknowledged sessions are not ended and priced "
            f"{SESSION_PRICE} for {SESSION_WH} Wh, e.g. {wrong[:SHOWN]}"
        )
    return len(ids)
