"""Load on the gateway: closed loop, open loop, connect storm and complete sessions."""

import asyncio
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from benchmarks import messages
from benchmarks.chargers import Charger, Refused
from benchmarks.processes import Usage, UsageMeter

WARM_UP_SECONDS = 1.0
DRAIN_SECONDS = 30.0
TICK_SECONDS = 0.001

# A charger's next CALL: action, payload and the samples in it.
Call = tuple[str, str, Sequence[int]]
CallMaker = Callable[[Charger], Call]


@dataclass(slots=True)
class Measured:
    """Latencies in seconds of what was answered inside the window, and who used how much CPU."""

    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    refused: int = 0
    usage: Usage | None = None


def heartbeat(_charger: Charger) -> Call:
    return "Heartbeat", "{}", ()


def one_moment(charger: Charger) -> Call:
    """MeterValues with one meterValue of four sampledValue: one row of readings."""
    (energy,) = samples = charger.next_samples(1)
    entry = messages.meter_value(energy, messages.clock())
    return "MeterValues", messages.meter_values(charger.transaction_id, entry), samples


def four_moments(charger: Charger) -> Call:
    """MeterValues with four meterValue of four sampledValue each: four rows of readings."""
    samples = charger.next_samples(4)
    now = datetime.now(UTC)
    entries = ",".join(
        messages.meter_value(energy, messages.timestamp(now - timedelta(seconds=3 - age)))
        for age, energy in enumerate(samples)
    )
    return "MeterValues", messages.meter_values(charger.transaction_id, entries), samples


class ClosedLoop:
    """Every charger sends its next CALL as soon as the last one is answered."""

    def __init__(self, chargers: Sequence[Charger], make: CallMaker) -> None:
        self._chargers = chargers
        self._make = make
        self._measured = Measured()
        self._is_measuring = False
        self._is_stopping = False

    async def run(self, seconds: float, meter: UsageMeter) -> Measured:
        for charger in self._chargers:
            self._send(charger)
        await asyncio.sleep(WARM_UP_SECONDS)
        meter.start()
        self._is_measuring = True
        await asyncio.sleep(seconds)
        self._is_measuring = False
        self._measured.usage = meter.stop()
        self._is_stopping = True
        await _drain(self._chargers)
        return self._measured

    def _send(self, charger: Charger) -> None:
        action, payload, samples = self._make(charger)
        sent_at = perf_counter()

        def answered(frame: list[Any], at: float) -> None:
            self._count(charger, frame, samples, at - sent_at)
            if not self._is_stopping:
                self._send(charger)

        charger.send_call(action, payload, answered)

    def _count(
        self, charger: Charger, frame: list[Any], samples: Sequence[int], latency: float
    ) -> None:
        if frame[0] == 3:
            charger.acknowledged.extend(samples)
            if self._is_measuring:
                self._measured.latencies.append(latency)
        else:
            self._measured.refused += 1


class OpenLoop:
    """CALLs at a fixed rate, whatever the server does; chargers take turns.

    A charger that still waits for an answer sends the next CALL late, as OCPP demands. Latency
    counts from the moment at which the CALL was due: a server that stalls cannot hide it by
    slowing the load down (coordinated omission).
    """

    def __init__(self, chargers: Sequence[Charger], make: CallMaker, rate: float) -> None:
        self._chargers = chargers
        self._make = make
        self._rate = rate
        self._due: list[deque[float]] = [deque() for _ in chargers]
        self._measured = Measured()
        self._from = float("inf")
        self._until = float("inf")

    async def run(self, seconds: float, meter: UsageMeter) -> Measured:
        began = perf_counter()
        self._from = began + WARM_UP_SECONDS
        self._until = self._from + seconds
        metering = False
        sent = 0
        while (now := perf_counter()) < self._until:
            if not metering and now >= self._from:
                metering = True
                meter.start()
            due = int((now - began) * self._rate)
            for number in range(sent, due):
                self._offer(number % len(self._chargers), began + number / self._rate)
            sent = due
            await asyncio.sleep(TICK_SECONDS)
        self._measured.usage = meter.stop()
        await _drain(self._chargers, self._due)
        return self._measured

    def _offer(self, index: int, due_at: float) -> None:
        self._due[index].append(due_at)
        if not self._chargers[index].is_busy:
            self._send(index)

    def _send(self, index: int) -> None:
        charger = self._chargers[index]
        due_at = self._due[index].popleft()
        action, payload, samples = self._make(charger)

        def answered(frame: list[Any], at: float) -> None:
            if frame[0] != 3:
                self._measured.refused += 1
            else:
                charger.acknowledged.extend(samples)
                if self._from <= due_at < self._until:
                    self._measured.latencies.append(at - due_at)
            if self._due[index]:
                self._send(index)

        charger.send_call(action, payload, answered)


async def _drain(chargers: Iterable[Charger], due: Iterable[deque[float]] = ()) -> None:
    """Wait until every CALL is answered; an unanswered one is a failure, not a detail."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while any(charger.is_busy for charger in chargers) or any(due):  # noqa: ASYNC110
            # Polled: an event for each of 1,000 sockets would cost the load more than this.
            await asyncio.sleep(0.01)


async def connect_all(
    chargers: Sequence[Charger], base_url: str, *, at_once: int, boot: bool = True
) -> "array[float]":
    """Connect (and boot) `chargers`, `at_once` in parallel; seconds that each took."""
    took = array("d")
    waiting = iter(chargers)

    async def worker() -> None:
        for charger in waiting:
            began = perf_counter()
            await charger.connect(base_url)
            if boot:
                await charger.boot()
            took.append(perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(chargers))):
            group.create_task(worker())
    return took


async def disconnect_all(chargers: Iterable[Charger]) -> None:
    await asyncio.gather(*(charger.disconnect() for charger in chargers))


async def open_transactions(chargers: Sequence[Charger], *, at_once: int = 100) -> None:
    """Give every charger that has none a running transaction."""
    waiting = iter([charger for charger in chargers if not charger.transaction_id])

    async def worker() -> None:
        for charger in waiting:
            payload = messages.start(charger.id_tag, charger.energy_wh, datetime.now(UTC))
            charger.transaction_id = await _start(charger, payload)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


@dataclass(slots=True)
class Sessions:
    """Complete sessions: transaction ids as acknowledged, seconds each took."""

    measured: Measured
    transaction_ids: list[int]


async def complete_sessions(
    chargers: Sequence[Charger], seconds: float, meter: UsageMeter
) -> Sessions:
    """Authorize, StartTransaction, 5 MeterValues, StopTransaction, again and again.

    The chargers report sessions of the last two days, one after the other, as after an outage:
    so their times and their energy are plausible though they arrive within milliseconds.
    """
    sessions = Sessions(Measured(), [])
    window = [float("inf"), float("inf")]
    stopping = False

    async def worker(charger: Charger) -> None:
        while not stopping:
            began = perf_counter()
            sessions.transaction_ids.append(await _one_session(charger))
            ended = perf_counter()
            if window[0] <= ended < window[1]:
                sessions.measured.latencies.append(ended - began)

    async with asyncio.TaskGroup() as group:
        for charger in chargers:
            group.create_task(worker(charger))
        await asyncio.sleep(WARM_UP_SECONDS)
        meter.start()
        window[:] = perf_counter(), perf_counter() + seconds
        await asyncio.sleep(seconds)
        sessions.measured.usage = meter.stop()
        stopping = True
    return sessions


async def _one_session(charger: Charger) -> int:
    at = charger.next_session_start()
    answer = await charger.call("Authorize", messages.authorize(charger.id_tag))
    if answer["idTagInfo"]["status"] != "Accepted":
        raise Refused(f"{charger.identity}: Authorize was answered {answer}")
    meter_wh = charger.energy_wh
    transaction_id = await _start(charger, messages.start(charger.id_tag, meter_wh, at))
    for number in range(1, messages.SESSION_SAMPLES + 1):
        sample = meter_wh + number * messages.SESSION_STEP_WH
        moment = messages.timestamp(at + number * messages.SESSION_STEP)
        entry = messages.meter_value(sample, moment)
        await charger.call("MeterValues", messages.meter_values(transaction_id, entry))
        charger.acknowledged.append(sample)
    charger.energy_wh = meter_wh + messages.SESSION_WH
    ended_at = at + messages.SESSION_LENGTH
    await charger.call(
        "StopTransaction",
        messages.stop(charger.id_tag, transaction_id, charger.energy_wh, ended_at),
    )
    return transaction_id


async def _start(charger: Charger, payload: str) -> int:
    answer = await charger.call("StartTransaction", payload)
    if answer["idTagInfo"]["status"] != "Accepted":
        raise Refused(f"{charger.identity}: StartTransaction was answered {answer}")
    return int(answer["transactionId"])
