"""Random histories of one charger, and what the ledger must hold after every step of them.

The charger has two connectors and a queue. It loses answers, gives up on them, repeats itself,
sends in another order, reboots, resets its meters and its clock, and invents transaction ids. The
services are called where the gateway calls them. LEDGER_EXAMPLES and LEDGER_STEPS make it longer.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
    run_state_machine_as_test,
)

from chargepoints.models import Station
from ocpp_gateway.telemetry import BatchWriter, Item
from tests.support.factories import (
    make_id_token,
    make_operator,
    make_site,
    make_station,
    make_tariff,
)
from tests.transactions.ledger import CONNECTORS, Message, Process, TrueLedger
from transactions.domain.inputs import ReadingInput, Readings, SessionStart, SessionStop
from transactions.services import pricing
from transactions.services.interrupt import GRACE, mark_interrupted, settle_interrupted
from transactions.services.late_readings import extend_inferred
from transactions.services.starts import start_session
from transactions.services.stops import stop_session

# The usual run is the same each time; a longer one looks for what is not known yet.
IS_LONG = "LEDGER_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "60"))
STEPS = int(os.environ.get("LEDGER_STEPS", "30"))
BEGINNING = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
POWER_W = 22_000
PLACEHOLDERS = ("-1", "0", "")


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Ledger(TrueLedger):
    station: ClassVar[Station]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(rolled_back())
        self.batches = BatchWriter()
        self.now = BEGINNING
        self.clock_offset = timedelta(0)
        self.registers = {1: 100_000_000, 2: 300_000_000}
        self.resettable = set(CONNECTORS)
        self.running: dict[int, Process] = {}
        self.processes: list[Process] = []
        self.queue: list[Message] = []
        self.sent: list[Message] = []
        self.delivered = dict.fromkeys(CONNECTORS, 0)
        self.orders = 0
        self.in_doubt_until = BEGINNING
        self.strangers = 0
        self.is_online = True

    def teardown(self) -> None:
        self.stack.close()

    # --- the charger

    def _say(self, kind: str, process: Process) -> None:
        self.orders += 1
        self.now += timedelta(seconds=1)  # else two starts would be the same one
        message = Message(
            kind,
            process,
            self.orders,
            self.now + self.clock_offset,
            self.registers[process.connector],
        )
        self.queue.append(message)
        if self.is_online:
            self._send_all()

    @rule(is_online=st.booleans())
    def network(self, is_online: bool) -> None:
        """While it is there, all is sent as it is said; else it waits in the queue."""
        self.is_online = is_online

    @rule(
        minutes=st.sampled_from([1, 12, 45]),
        load=st.sampled_from([0, 30, 97]),
        sweeps=st.booleans(),
    )
    def time_passes(self, minutes: int, load: int, sweeps: bool) -> None:
        self.now += timedelta(minutes=minutes)
        for connector in self.running:
            energy = POWER_W * minutes * load // 6_000
            self.registers[connector] += energy
            self.delivered[connector] += energy
        if sweeps:
            settle_interrupted(self.now)
            pricing.price_due(self.now, also_reviewed=True)

    @precondition(lambda self: len(self.running) < len(CONNECTORS))
    @rule(data=st.data(), token=st.sampled_from(["CARD1", "CARD1", "CARD2", "NO"]))
    def plug_in(self, data: st.DataObject, token: str) -> None:
        connector = data.draw(st.sampled_from([c for c in CONNECTORS if c not in self.running]))
        process = self.running[connector] = Process(connector, token)
        self.processes.append(process)
        self._say("start", process)

    @precondition(lambda self: self.running)
    @rule()
    def sample(self) -> None:
        for process in self.running.values():
            self._say("reading", process)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def unplug(self, data: st.DataObject) -> None:
        process = self.running.pop(data.draw(st.sampled_from(sorted(self.running))))
        process.is_over = True
        self._say("stop", process)

    @precondition(lambda self: self.resettable)
    @rule(data=st.data())
    def meter_starts_at_zero(self, data: st.DataObject) -> None:
        connector = data.draw(st.sampled_from(sorted(self.resettable)))
        self.resettable.discard(connector)
        self.registers[connector] = 0

    @rule(
        offset=st.sampled_from(
            [
                timedelta(0),
                timedelta(0),
                timedelta(hours=7),
                timedelta(days=-1),
                datetime(1970, 1, 1, tzinfo=UTC) - BEGINNING,
            ]
        )
    )
    def clock_is_set(self, offset: timedelta) -> None:
        self.clock_offset = offset

    @rule(
        fate=st.sampled_from(["goes on", "stop is kept", "stop is lost"]),
        silence=st.sampled_from([0, 12]),
    )
    def power_cut(self, fate: str, silence: int) -> None:
        """The charger boots; what goes on may say so only after we gave it up."""
        for connector in list(self.running):
            if fate == "goes on":
                continue
            process = self.running.pop(connector)
            process.is_over = True
            if fate == "stop is kept":
                self._say("stop", process)
        mark_interrupted(self.station.pk, self.now)
        self.in_doubt_until = self.now + GRACE
        self.time_passes(silence, 30, True)

    @precondition(lambda self: len(self.queue) > 1)
    @rule(data=st.data())
    def queue_is_reordered(self, data: st.DataObject) -> None:
        """Starts and stops only: readings before their start belong to nobody."""
        place = data.draw(st.integers(0, len(self.queue) - 2))
        pair = self.queue[place : place + 2]
        if all(message.kind != "reading" for message in pair):
            self.queue[place : place + 2] = reversed(pair)

    # --- the wire

    @precondition(lambda self: self.queue)
    @rule(
        fate=st.sampled_from(
            ["answered", "answer lost", "answer given up", "never arrives", "pricing fails"]
        ),
        is_all=st.booleans(),
    )
    def queue_is_sent(self, fate: str, is_all: bool) -> None:
        """What happens to the first message; then all that follows is answered, or stays.

        `answer lost`: the charger sends it again. `answer given up`: it goes on without.
        """
        message = self.queue[0]
        if fate == "answer lost":
            self._deliver(message)
        elif fate == "answer given up":
            self._deliver(self.queue.pop(0))
        elif fate == "never arrives":
            # Not a reading: what the server never had it cannot count, and the model would.
            if message.kind != "reading":
                del self.queue[0]
        elif fate == "pricing fails":
            with mock.patch.object(pricing, "price", side_effect=ArithmeticError("bug")):
                self._send_first()
        if is_all:
            self._send_all()

    def _send_first(self) -> None:
        message = self.queue.pop(0)
        number = self._deliver(message)
        if message.kind == "start":
            message.process.known_as = number

    def _send_all(self) -> None:
        while self.queue:
            self._send_first()

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self.sent))
        # A clock that never was set makes two starts alike: that repeats only while it runs.
        is_start_of_old = message.kind == "start" and message.process.is_over
        if is_start_of_old and abs(message.at - self.now) > timedelta(days=20):
            return
        if is_start_of_old and message.at > self.now:
            return
        self._deliver(message)

    @rule(number=st.sampled_from(["-1", "0", "", "999999999", "none"]), token=st.booleans())
    def stop_of_nothing(self, number: str, token: bool) -> None:
        """Of a session that was never told of, on a register of another size."""
        self.now += timedelta(seconds=1)
        self.strangers += 1
        stop_session(
            self.station.pk,
            SessionStop(
                received_at=self.now,
                transaction_id=number,
                ended_at=self.now,
                meter_stop_wh=900_000_000 + self.strangers,
                id_token="CARD1" if token else "",
                frame="[2]",
            ),
        )

    def _deliver(self, message: Message) -> str:
        self.now += timedelta(seconds=1)
        if message.number is None:
            message.number = message.process.known_as
            self.sent.append(message)
        message.process.told[message.order] = message.register
        sent = self._input(message, message.number)
        if isinstance(sent, SessionStart):
            answer = start_session(self.station.pk, sent)
            known = message.process.session_id
            assert known in (None, answer.transaction_id), "The same start has another id."
            message.process.session_id = answer.transaction_id
            return str(answer.transaction_id)
        if isinstance(sent, SessionStop):
            stop_session(self.station.pk, sent)
            return ""
        is_in_doubt = self.now <= self.in_doubt_until
        item = Item(self.station.pk, readings=sent, is_in_doubt=is_in_doubt)
        assert self.batches.write([item]) == {}
        extend_inferred(self.now)
        return ""

    def _input(self, message: Message, number: str) -> SessionStart | SessionStop | Readings:
        process = message.process
        if message.kind == "start":
            return SessionStart(
                received_at=self.now,
                evse_id=process.connector,
                connector_id=1,
                id_token=process.token,
                started_at=message.at,
                meter_start_wh=message.register,
                frame="[2]",
            )
        if message.kind == "stop":
            return SessionStop(
                received_at=self.now,
                transaction_id=number or PLACEHOLDERS[message.order % len(PLACEHOLDERS)],
                ended_at=message.at,
                meter_stop_wh=message.register,
                id_token=process.token if message.order % 2 else "",
                frame="[2]",
            )
        return Readings(
            received_at=self.now,
            evse_id=process.connector,
            connector_id=1,
            transaction_id=number,
            readings=(ReadingInput(measured_at=message.at, energy_wh=message.register),),
        )


@pytest.mark.django_db
def test_no_history_loses_energy_or_counts_it_twice() -> None:
    operator = make_operator()
    make_tariff(operator, price_per_kwh="7.77", price_per_minute="0.33", price_per_session="5")
    for token in ("CARD1", "CARD2"):
        make_id_token(token)
    Ledger.station = make_station(
        site=make_site(operator), connectors=2, password=None, max_power_w=50_000
    )
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not IS_LONG,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
