"""What to do about an item of the review queue: a proposal with its effect, from facts alone.

Energy in Wh, amounts in satang.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Remedy(StrEnum):
    """KEEP: all stays as it is. BILL: the hold ends, and what was measured is billed.

    NO_BILL: the session costs nothing. ATTACH: the kept stop ends the session. CLOSE: the session
    ends with other values. PRICE: its price is computed. WAIT: nothing can be done yet.
    """

    KEEP = "KEEP"
    BILL = "BILL"
    NO_BILL = "NO_BILL"
    ATTACH = "ATTACH"
    CLOSE = "CLOSE"
    PRICE = "PRICE"
    WAIT = "WAIT"


class Why(StrEnum):
    """What speaks for a remedy."""

    STILL_RUNS = "still_runs"
    NOTHING_FITS = "nothing_fits"
    SEVERAL_FIT = "several_fit"
    FITS = "fits"
    MOST_POSSIBLE = "most_possible"
    NO_ENERGY = "no_energy"
    RECEIVE_TIME = "receive_time"
    HAS_PAYER = "has_payer"
    HAS_NO_PAYER = "has_no_payer"
    LAST_READING = "last_reading"
    NEXT_START = "next_start"
    FIRST_COUNTS = "first_counts"
    SECOND_FITS = "second_fits"
    TARIFF_FOUND = "tariff_found"
    NO_TARIFF = "no_tariff"
    AS_MEASURED = "as_measured"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Energy that counts and the amount billed for it, None where there is no price."""

    energy_wh: int
    satang: int | None


@dataclass(frozen=True, slots=True)
class Closing:
    """Another end that a session may have, and what comes of it. `holds`: not to be believed."""

    ended_at: datetime
    meter_stop_wh: int | None
    outcome: Outcome
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """A session as it stands. `outcome` is its own, whether or not a hold keeps it from the bill.

    `other_items`: open items besides the one asked about. `last`: the end that its last reading or
    stop gave. `next_start`: the end that the register of the connector's next session gives it.
    """

    session_id: int
    is_open: bool
    is_held: bool
    has_payer: bool
    outcome: Outcome
    other_items: int = 0
    last: Closing | None = None
    next_start: Closing | None = None

    @property
    def billed(self) -> Outcome:
        """What is billed as things are."""
        return Outcome(self.outcome.energy_wh, 0) if self.is_held else self.outcome


@dataclass(frozen=True, slots=True)
class Case:
    """All that a proposal follows from. `fitting`: sessions that the kept stop may end, and how.

    `second`: the end that a second, other stop gives. `priced`: the price under today's tariffs.
    """

    kind: str
    session: Facts | None = None
    fitting: Sequence[tuple[Facts, Closing]] = ()
    second: Closing | None = None
    priced: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """`session_id` is the session that changes; `closing` its new or confirmed end."""

    remedy: Remedy
    why: Why
    session_id: int | None
    before: Outcome
    after: Outcome
    closing: Closing | None = None

    @property
    def can_be_applied(self) -> bool:
        return self.remedy is not Remedy.WAIT


_NOTHING = Outcome(0, 0)


def propose(case: Case) -> Proposal:
    """What a careful person would do about the item."""
    if case.session is None:
        return _orphan(case)
    if case.session.is_open:
        return _unchanged(Remedy.WAIT, Why.STILL_RUNS, case.session)
    return _BY_KIND.get(case.kind, _as_measured)(case, case.session)


def _orphan(case: Case) -> Proposal:
    if len(case.fitting) != 1:
        why = Why.SEVERAL_FIT if case.fitting else Why.NOTHING_FITS
        remedy = Remedy.WAIT if case.fitting else Remedy.KEEP
        return Proposal(remedy, why, None, _NOTHING, _NOTHING)
    session, closing = case.fitting[0]
    after = Outcome(closing.outcome.energy_wh, 0) if closing.holds else closing.outcome
    return Proposal(
        Remedy.ATTACH, Why.FITS, session.session_id, session.billed, after, closing=closing
    )


def _unchanged(
    remedy: Remedy, why: Why, session: Facts, closing: Closing | None = None
) -> Proposal:
    billed = session.billed
    return Proposal(remedy, why, session.session_id, billed, billed, closing)


def _settled(session: Facts, why: Why, closing: Closing | None = None) -> Proposal:
    """End the hold, if this is the last item that keeps the session."""
    if not session.is_held or session.other_items:
        return _unchanged(Remedy.KEEP, why, session, closing)
    if session.outcome.energy_wh == 0:
        return _free(session, Why.NO_ENERGY)
    return Proposal(Remedy.BILL, why, session.session_id, session.billed, session.outcome, closing)


def _free(session: Facts, why: Why) -> Proposal:
    after = Outcome(session.outcome.energy_wh, 0)
    return Proposal(Remedy.NO_BILL, why, session.session_id, session.billed, after)


def _closed(session: Facts, closing: Closing, why: Why) -> Proposal:
    after = closing.outcome
    if session.is_held and session.other_items:
        after = Outcome(after.energy_wh, 0)
    return Proposal(Remedy.CLOSE, why, session.session_id, session.billed, after, closing)


def _as_measured(_case: Case, session: Facts) -> Proposal:
    return _settled(session, Why.AS_MEASURED, session.last)


def _meter(_case: Case, session: Facts) -> Proposal:
    helped = _by_next_start(session)
    return helped or _settled(session, Why.MOST_POSSIBLE, session.last)


def _superseded(_case: Case, session: Facts) -> Proposal:
    return _by_next_start(session) or _settled(session, Why.LAST_READING, session.last)


def _by_next_start(session: Facts) -> Proposal | None:
    """Without a register of its own, the next session's start says where this one ended."""
    following = session.next_start
    if following is None or following.holds or session.outcome.energy_wh > 0:
        return None
    return _closed(session, following, Why.NEXT_START) if following.outcome.energy_wh else None


def _clock(_case: Case, session: Facts) -> Proposal:
    return _settled(session, Why.RECEIVE_TIME, session.last)


def _unauthorized(_case: Case, session: Facts) -> Proposal:
    if session.has_payer:
        return _settled(session, Why.HAS_PAYER, session.last)
    if not session.outcome.satang:
        return _settled(session, Why.AS_MEASURED, session.last)
    return _free(session, Why.HAS_NO_PAYER)


def _conflict(case: Case, session: Facts) -> Proposal:
    if case.second is not None and session.is_held and not case.second.holds:
        return _closed(session, case.second, Why.SECOND_FITS)
    return _settled(session, Why.FIRST_COUNTS, session.last)


def _not_priced(case: Case, session: Facts) -> Proposal:
    if session.outcome.satang is not None:
        return _settled(session, Why.AS_MEASURED, session.last)
    if case.priced is None:
        return _unchanged(Remedy.WAIT, Why.NO_TARIFF, session)
    after = Outcome(case.priced.energy_wh, 0) if session.is_held else case.priced
    return Proposal(Remedy.PRICE, Why.TARIFF_FOUND, session.session_id, session.billed, after)


_BY_KIND: dict[str, Callable[[Case, Facts], Proposal]] = {
    "CLOCK_FAULT": _clock,
    "CONFLICTING_STOP": _conflict,
    "IMPOSSIBLE_METER": _meter,
    "NOT_PRICED": _not_priced,
    "SUPERSEDED": _superseded,
    "UNAUTHORIZED": _unauthorized,
}
