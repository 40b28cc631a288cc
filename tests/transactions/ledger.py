"""What the ledger must hold after every step of a charger's history, and what that is made of."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import ReviewItem, Session
from transactions.selectors.metering import measure_until
from transactions.selectors.readings import readings_of

CONNECTORS = (1, 2)
# Not SUPERSEDED and UNAUTHORIZED: they say nothing against the session's energy.
DOUBTS = ("CLOCK_FAULT", "CONFLICTING_STOP", "IMPOSSIBLE_METER", "UNREADABLE")


@dataclass
class Process:
    """One true charging process. `told`: the register values that the server acknowledged."""

    connector: int
    token: str
    known_as: str = ""
    session_id: int | None = None
    is_over: bool = False
    told: dict[int, int] = field(default_factory=dict)

    @property
    def told_energy(self) -> int:
        """Wh, following the register; what it shows after a reset was delivered since."""
        values = [self.told[order] for order in sorted(self.told)]
        steps = pairwise(values)
        return sum(after - before if after >= before else after for before, after in steps)


@dataclass
class Message:
    """Something that the charger has to say.

    `number` is the transaction id that it knew when it sent it, None before.
    """

    kind: str
    process: Process
    order: int
    at: datetime
    register: int
    number: str | None = None

    def is_stop_of(self, process: Process) -> bool:
        return self.kind == "stop" and self.process is process


class TrueLedger(RuleBasedStateMachine):
    """`now`: the server's. `sent`: each message that arrived once. `delivered`: Wh by connector."""

    now: datetime
    processes: list[Process]
    sent: list[Message]
    delivered: dict[int, int]

    @invariant()
    def the_ledger_holds(self) -> None:
        sessions = list(
            Session.objects.select_related("connector__evse").prefetch_related("cost_lines")
        )
        items = list(ReviewItem.objects.all())
        self._one_open_session_a_connector(sessions)
        self._every_start_has_an_id_of_its_own(sessions)
        self._amounts_are_the_sum_of_their_lines(sessions)
        self._no_energy_counts_twice(sessions)
        self._every_stop_is_in_a_session_or_in_the_review_queue(sessions, items)
        self._no_acknowledged_energy_is_lost(sessions, items)

    def _one_open_session_a_connector(self, sessions: list[Session]) -> None:
        open_here = [s.connector_id for s in sessions if s.state in OPEN_SESSION_STATES]
        assert len(open_here) == len(set(open_here))

    def _every_start_has_an_id_of_its_own(self, sessions: list[Session]) -> None:
        numbers = [p.session_id for p in self.processes if p.session_id is not None]
        assert sorted(numbers) == sorted(session.pk for session in sessions)

    def _amounts_are_the_sum_of_their_lines(self, sessions: list[Session]) -> None:
        for session in sessions:
            lines = list(session.cost_lines.all())
            if session.priced_at is None:
                assert session.total_gross is None
                assert not lines
                continue
            assert session.total_gross is not None
            assert session.total_gross >= 0
            assert session.total_gross == sum(line.gross for line in lines)
            energy = sum(line.quantity for line in lines if line.kind == "ENERGY")
            assert energy * 1000 == session.energy_wh

    def _no_energy_counts_twice(self, sessions: list[Session]) -> None:
        counted = dict.fromkeys(CONNECTORS, 0)
        for session in sessions:
            assert session.energy_wh >= 0
            counted[session.connector.evse.evse_id] += session.energy_wh
        for connector in CONNECTORS:
            assert counted[connector] <= self.delivered[connector]

    def _every_stop_is_in_a_session_or_in_the_review_queue(
        self, sessions: list[Session], items: list[ReviewItem]
    ) -> None:
        ends = {(s.charger_ended_at, s.meter_stop_wh) for s in sessions}
        kept = {(item.raw.get("ended_at"), item.raw.get("meter_stop_wh")) for item in items}
        for message in self.sent:
            if message.kind == "stop":
                is_kept = (message.at.isoformat(), message.register) in kept
                assert (message.at, message.register) in ends or is_kept

    def _no_acknowledged_energy_is_lost(
        self, sessions: list[Session], items: list[ReviewItem]
    ) -> None:
        """What the charger told of a session and it does not count is flagged with its name."""
        flagged = {item.session_id for item in items if item.kind in DOUBTS}
        told = {process.session_id: process for process in self.processes}
        for session in sessions:
            process = told[session.pk]
            energy_wh, is_doubtful = session.energy_wh, session.is_held
            if session.state in OPEN_SESSION_STATES:
                measured = measure_until(session, readings_of(session), self.now)
                energy_wh, is_doubtful = measured.energy_wh, bool(measured.faults)
            if self._is_stop_kept(process, session, items):
                continue
            if not is_doubtful and session.pk not in flagged:
                assert energy_wh == process.told_energy

    def _is_stop_kept(self, process: Process, session: Session, items: list[ReviewItem]) -> bool:
        """Whether the stop has not found its session: it waits in the queue with its meter."""
        if session.charger_ended_at is not None:
            return False
        stops = {message.register for message in self.sent if message.is_stop_of(process)}
        return any(item.raw.get("meter_stop_wh") in stops for item in items)
