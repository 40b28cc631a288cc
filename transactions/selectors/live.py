"""Sessions as those who watch them see them: what changed since the last look, in few queries.

Who watches asks again and again. What a session has delivered is therefore carried forward from
reading to reading where the register just goes on, and measured anew where it does not, now and
then, and at the end.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import OuterRef, Subquery

from chargepoints.domain.quirks import RegisterKind
from transactions.domain.energy import Delivered, RegisterSample, extended
from transactions.domain.pricing import Price, TariffTerms
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Reading, Session
from transactions.selectors.metering import measure, moment_of
from transactions.selectors.readings import StoredRegister
from transactions.selectors.running_price import running_price
from transactions.selectors.sessions import with_places

# The bound on the partition key: older months are not looked into.
_MARGIN = timedelta(days=1)
_LOOK_BACK = timedelta(days=3)
# Readings that came late, between others, count from the next measuring on.
_MEASURE_EVERY = timedelta(minutes=5)
# What an energy may change with, then what only shows beside it.
_OWN = (
    "pk",
    "state",
    "expires_at",
    "energy_wh",
    "ended_at",
    "unplugged_at",
    "priced_at",
    "total_gross",
    "is_held",
    "is_waived",
    "end_reason",
)
_ROW = (
    *_OWN,
    "start_command__status",
    "stop_command__status",
    "connector__status",
    "station__is_online",
)


class _Mark(NamedTuple):
    """What a session looks like when nothing new is to be said of it."""

    row: tuple[Any, ...]
    latest_reading: Any
    minute: int


@dataclass(frozen=True, slots=True)
class LiveSession:
    """One session now. `price` is that of a running session so far; None without a tariff.

    Power W, energy Wh, as of the newest reading, which was measured at `measured_at`.
    """

    session: Session
    energy_wh: int
    power_w: int | None
    soc_percent: int | None
    measured_at: datetime | None
    flow_ended_at: datetime | None
    price: Price | None


class _Sample(NamedTuple):
    session_id: int
    measured_at: datetime
    received_at: datetime
    energy_wh: int | None
    power_w: int | None
    soc_percent: Decimal | None

    @property
    def register(self) -> StoredRegister | None:
        if self.energy_wh is None:
            return None
        return StoredRegister(self.measured_at, self.received_at, self.energy_wh)


@dataclass(slots=True)
class _Known:
    """What is remembered of one session between two looks."""

    mark: _Mark
    session: Session
    delivered: Delivered | None = None
    last: RegisterSample | None = None
    newest: _Sample | None = None
    power_w: int | None = None
    soc_percent: int | None = None
    measured_anew_at: datetime | None = None
    samples: list[_Sample] = field(default_factory=list)


class LiveSessions:
    """Looks at sessions and says which changed. For one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._terms: dict[int, TariffTerms] = {}

    def look(self, session_ids: Collection[int], at: datetime) -> dict[int, LiveSession]:
        """Those of the sessions (primary keys) that changed since this was asked before.

        What is not asked for any more is forgotten.
        """
        for gone in self._known.keys() - set(session_ids):
            del self._known[gone]
        marks = self._marks(session_ids, at)
        changed = [
            key
            for key, mark in marks.items()
            if key not in self._known or self._known[key].mark != mark
        ]
        if not changed:
            return {}
        try:
            self._load_sessions(changed, marks)
            self._load_samples(changed, at)
            return {key: self._live(self._known[key], at) for key in changed}
        except Exception:
            # Half loaded, they would pass for known: the next look begins anew with them.
            for key in changed:
                self._known.pop(key, None)
            raise

    def _marks(self, session_ids: Collection[int], at: datetime) -> dict[int, _Mark]:
        latest = Reading.objects.filter(
            session_id=OuterRef("pk"), received_at__gte=at - _LOOK_BACK
        ).order_by("-measured_at")
        rows = (
            Session.objects.filter(pk__in=session_ids)
            .order_by()
            .annotate(latest=Subquery(latest.values("pk")[:1]))
            .values_list(*_ROW, "latest")
        )
        return {row[0]: _Mark(tuple(row[:-1]), row[-1], self._minute(row[0], at)) for row in rows}

    def _minute(self, session_id: int, at: datetime) -> int:
        """Which minute of the session runs, where minutes cost something; else always 0."""
        known = self._known.get(session_id)
        if known is None:
            return 0
        session, version = known.session, known.session.tariff_version
        if version is None or session.started_at is None or session.ended_at is not None:
            return 0
        if not (version.price_per_minute or version.idle_price_per_minute):
            return 0
        return int((at - session.started_at) / timedelta(minutes=1))

    # --- loading

    def _load_sessions(self, changed: Collection[int], marks: dict[int, _Mark]) -> None:
        stale = [
            key
            for key in changed
            if key not in self._known or self._known[key].mark.row != marks[key].row
        ]
        sessions = with_places(Session.objects.filter(pk__in=stale)) if stale else ()
        for session in sessions:
            known = self._known.get(session.pk)
            row = marks[session.pk].row
            if known is None:
                self._known[session.pk] = _Known(marks[session.pk], session)
                continue
            known.session = session
            if known.mark.row[: len(_OWN)] != row[: len(_OWN)]:
                known.measured_anew_at = None  # its end, or a correction
        for key in changed:
            self._known[key].mark = marks[key]

    def _load_samples(self, changed: Iterable[int], at: datetime) -> None:
        """What was measured since the last look, or all of it where that is no help."""
        whole: list[_Known] = []
        newer: list[_Known] = []
        for known in (self._known[key] for key in changed):
            known.samples = []
            if known.session.started_at is None:
                continue
            is_due = known.measured_anew_at is None or at - known.measured_anew_at >= _MEASURE_EVERY
            if is_due or known.delivered is None or known.newest is None:
                known.delivered = known.newest = None
                whole.append(known)
            else:
                newer.append(known)
        if newer:
            since = min(known.newest.measured_at for known in newer if known.newest)
            self._read(newer, received_since=at - _LOOK_BACK, measured_after=since)
        if whole:
            starts = [known.session.start_received_at or at for known in whole]
            self._read(whole, received_since=min(starts) - _MARGIN)

    @staticmethod
    def _read(
        wanted: Sequence[_Known],
        *,
        received_since: datetime,
        measured_after: datetime | None = None,
    ) -> None:
        by_key = {known.session.pk: known for known in wanted}
        rows = Reading.objects.filter(session_id__in=by_key, received_at__gte=received_since)
        if measured_after is not None:
            rows = rows.filter(measured_at__gt=measured_after)
        for values in rows.order_by("measured_at", "id").values_list(*_Sample._fields):
            sample = _Sample(*values)
            known = by_key[sample.session_id]
            is_newer = known.newest is None or sample.measured_at > known.newest.measured_at
            if is_newer or measured_after is None:
                known.samples.append(sample)
        for known in wanted:
            known.newest = known.samples[-1] if known.samples else known.newest

    # --- what follows from it

    def _live(self, known: _Known, at: datetime) -> LiveSession:
        session = known.session
        for sample in known.samples:
            if sample.power_w is not None:
                known.power_w = sample.power_w
            if sample.soc_percent is not None:
                known.soc_percent = round(sample.soc_percent)
        is_running = session.state in OPEN_SESSION_STATES and session.started_at is not None
        delivered = self._delivered(known, at) if is_running else None
        return LiveSession(
            session=session,
            energy_wh=delivered.energy_wh if delivered else session.energy_wh,
            power_w=known.power_w if is_running else None,
            soc_percent=known.soc_percent,
            measured_at=known.newest.measured_at if known.newest else None,
            flow_ended_at=delivered.flow_ended_at if delivered else session.charging_ended_at,
            price=self._price(session, delivered, at) if delivered else None,
        )

    def _delivered(self, known: _Known, at: datetime) -> Delivered:
        session = known.session
        registers = [found for sample in known.samples if (found := sample.register)]
        if known.delivered is not None:
            further = _carried_forward(known, registers, at)
            if further is not None:
                return further
            known.samples = []
            self._read([known], received_since=(session.start_received_at or at) - _MARGIN)
            registers = [found for sample in known.samples if (found := sample.register)]
        known.delivered = measure(
            session,
            ended_at=max(at, session.started_at or at),
            meter_stop_wh=None,
            registers=registers,
        )
        known.last = _newest(session, registers)
        known.measured_anew_at = at
        return known.delivered

    def _price(self, session: Session, delivered: Delivered, at: datetime) -> Price | None:
        return running_price(session, delivered, at, self._terms)


def _carried_forward(
    known: _Known, registers: Sequence[StoredRegister], at: datetime
) -> Delivered | None:
    """The energy with what was measured since, if the register just went on; else None."""
    session = known.session
    delivered, last = known.delivered, known.last
    if last is None or session.register_kind == RegisterKind.PER_SESSION:
        return None if registers else delivered
    for row in registers:
        new = RegisterSample(min(moment_of(session, row), at), row.energy_wh)
        if delivered is None:
            return None
        delivered = extended(delivered, last, new, session.connector.max_power_w)
        last = new
    known.delivered, known.last = delivered, last
    return delivered


def _newest(session: Session, registers: Sequence[StoredRegister]) -> RegisterSample | None:
    samples = [RegisterSample(moment_of(session, row), row.energy_wh) for row in registers]
    return max(samples, key=lambda sample: (sample.at, sample.wh), default=None)
