"""Energy of a session from what its meter said, whatever the register does.

Wh as integers, times as aware datetimes, power in W.

How the register is followed, from the start value through the readings to the stop value:

* It only grows. What it grows by is delivered energy.
* It falls, and the next different value is as high as before or higher: a dip (typically one 0
  after a power-up), which is ignored.
* It falls to at most half of what it was: it was reset to 0 on the way, and what it shows now was
  delivered since. Near 2**32 it rolled over.
* It falls in any other way, or the stop value is lower than the last one: not to be believed.
  Nothing is counted for the step, and the session is flagged.
* It grows by more than the connector can deliver in the time (times 1.1, plus 1 kWh for coarse
  registers and rounded times): flagged. A single value that sticks out is ignored; otherwise
  the most that was possible is counted.
* Readings that are all below the start value while the stop value is not come from a register
  that counts from 0 for each session: the start value is added to them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

DEFAULT_MAX_POWER_W = 500_000
POWER_TOLERANCE_PERCENT = 110
SLACK_WH = 1_000
MIN_FLOW_W = 100
OUTSIDE_TOLERANCE = timedelta(seconds=60)
ROLLOVER = 2**32
MAX_REGISTER_WH = 2**63 - 1
_MICROSECONDS_PER_HOUR = 3_600_000_000


class MeterFault(StrEnum):
    """Why a session's energy must be looked at by a person."""

    NO_METER = "no_meter"
    WENT_BACK = "went_back"
    STOP_BELOW_START = "stop_below_start"
    IMPOSSIBLE_JUMP = "impossible_jump"


@dataclass(frozen=True, slots=True)
class RegisterSample:
    """The import register at a moment, in Wh."""

    at: datetime
    wh: int


@dataclass(frozen=True, slots=True)
class EnergyPoint:
    """Energy delivered in the session up to a moment, in Wh."""

    at: datetime
    wh: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """`series` starts with 0 at the start, never falls, and ends with `energy_wh` at the end.

    `flow_ended_at` is when energy stopped flowing, None if none ever flowed.
    """

    energy_wh: int
    series: tuple[EnergyPoint, ...]
    flow_ended_at: datetime | None
    faults: tuple[MeterFault, ...]


def microseconds(duration: timedelta) -> int:
    """`duration` as an integer, exactly."""
    return duration // timedelta(microseconds=1)


def possible_wh(duration: timedelta, max_power_w: int) -> int:
    """The most that a connector can have delivered in `duration`, with tolerance and slack."""
    at_full_power = max_power_w * microseconds(duration) // _MICROSECONDS_PER_HOUR
    return at_full_power * POWER_TOLERANCE_PERCENT // 100 + SLACK_WH


class _Register:
    """Follows the register from value to value."""

    def __init__(self, start: RegisterSample, max_power_w: int) -> None:
        self.last = start
        self.max_power_w = max_power_w
        self.total = 0
        self.points = [EnergyPoint(start.at, 0)]
        self.faults: set[MeterFault] = set()

    def _possible(self, at: datetime) -> int:
        return possible_wh(at - self.last.at, self.max_power_w)

    def _accept(self, sample: RegisterSample, delta: int) -> None:
        possible = self._possible(sample.at)
        if delta > possible:
            self.faults.add(MeterFault.IMPOSSIBLE_JUMP)
            delta = possible
        self.total += delta
        self.points.append(EnergyPoint(sample.at, self.total))
        self.last = sample

    def follow(self, samples: Sequence[RegisterSample], index: int) -> None:
        """Take `samples[index]`; the ones behind it say whether it is a dip or a spike."""
        sample = samples[index]
        if sample.wh < self.last.wh:
            self._follow_fall(samples, index)
        elif self._sticks_out(samples, index):
            self.faults.add(MeterFault.IMPOSSIBLE_JUMP)
        else:
            self._accept(sample, sample.wh - self.last.wh)

    def _sticks_out(self, samples: Sequence[RegisterSample], index: int) -> bool:
        sample = samples[index]
        return (
            sample.wh - self.last.wh > self._possible(sample.at)
            and index + 1 < len(samples)
            and self.last.wh <= samples[index + 1].wh < sample.wh
        )

    def _follow_fall(self, samples: Sequence[RegisterSample], index: int) -> None:
        sample = samples[index]
        later = (samples[i].wh for i in range(index + 1, len(samples)))
        changed = next((wh for wh in later if wh != sample.wh), None)
        if changed is not None and changed >= self.last.wh:
            return
        rolled_over = ROLLOVER - self.last.wh + sample.wh
        if 0 <= rolled_over <= self._possible(sample.at) and self.last.wh > ROLLOVER // 2:
            self._accept(sample, rolled_over)
        elif sample.wh * 2 <= self.last.wh:
            self._accept(sample, sample.wh)
        else:
            self.faults.add(MeterFault.WENT_BACK)
            self._accept(sample, 0)

    def stop(self, ended_at: datetime, meter_stop_wh: int | None) -> None:
        """Take the stop value, if there is one, and close the series at `ended_at`."""
        if meter_stop_wh is not None:
            if meter_stop_wh < self.last.wh:
                self.faults.add(MeterFault.STOP_BELOW_START)
            else:
                self._accept(RegisterSample(ended_at, meter_stop_wh), meter_stop_wh - self.last.wh)
        if self.points[-1].at < ended_at:
            self.points.append(EnergyPoint(ended_at, self.total))


def delivered(
    *,
    started_at: datetime,
    meter_start_wh: int | None,
    ended_at: datetime,
    meter_stop_wh: int | None,
    samples: Iterable[RegisterSample] = (),
    max_power_w: int | None = None,
) -> Delivered:
    """What was delivered between `started_at` and `ended_at` (not before it).

    Without a start value the first reading stands in for it. Readings from more than a minute
    outside of the session are not its own and are left out.
    """
    inside = _inside(samples, started_at, ended_at)
    if meter_start_wh is None and inside:
        meter_start_wh = inside[0].wh
    if meter_start_wh is None or (meter_stop_wh is None and not inside):
        nothing = (EnergyPoint(started_at, 0), EnergyPoint(ended_at, 0))
        return Delivered(0, nothing, None, (MeterFault.NO_METER,))
    if meter_stop_wh is not None:
        inside = _on_one_register(inside, meter_start_wh, meter_stop_wh)
    register = _Register(
        RegisterSample(started_at, meter_start_wh), max_power_w or DEFAULT_MAX_POWER_W
    )
    with_stop = inside
    if meter_stop_wh is not None:
        with_stop = [*inside, RegisterSample(ended_at, meter_stop_wh)]
    for index in range(len(inside)):
        register.follow(with_stop, index)
    register.stop(ended_at, meter_stop_wh)
    series = tuple(register.points)
    return Delivered(register.total, series, flow_ended_at(series), tuple(sorted(register.faults)))


def _inside(
    samples: Iterable[RegisterSample], started_at: datetime, ended_at: datetime
) -> list[RegisterSample]:
    earliest, latest = started_at - OUTSIDE_TOLERANCE, ended_at + OUTSIDE_TOLERANCE
    return sorted(
        (
            RegisterSample(min(max(sample.at, started_at), ended_at), sample.wh)
            for sample in samples
            if earliest <= sample.at <= latest and 0 <= sample.wh <= MAX_REGISTER_WH
        ),
        key=lambda sample: (sample.at, sample.wh),
    )


def _on_one_register(
    samples: list[RegisterSample], meter_start_wh: int, meter_stop_wh: int
) -> list[RegisterSample]:
    highest = max((sample.wh for sample in samples), default=0)
    if 0 < highest < meter_start_wh <= meter_stop_wh:
        return [RegisterSample(sample.at, sample.wh + meter_start_wh) for sample in samples]
    return samples


def flow_ended_at(series: Sequence[EnergyPoint]) -> datetime | None:
    """The end of the last interval in which at least 100 W flowed on average."""
    for before, after in reversed(list(pairwise(series))):
        energy = after.wh - before.wh
        duration = microseconds(after.at - before.at)
        if energy and energy * _MICROSECONDS_PER_HOUR >= MIN_FLOW_W * duration:
            return after.at
    return None


def energy_at(series: Sequence[EnergyPoint], moment: datetime) -> int:
    """Wh delivered up to `moment`, interpolated between the points, half a Wh rounded up."""
    passed = bisect_right(series, moment, key=lambda point: point.at)
    if passed == 0:
        return 0
    if passed == len(series):
        return series[-1].wh
    before, after = series[passed - 1], series[passed]
    duration = microseconds(after.at - before.at)
    part = (after.wh - before.wh) * microseconds(moment - before.at)
    return before.wh + (2 * part + duration) // (2 * duration)
