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

What is known of the meter, by a quirk profile, goes before the last rule, which is a guess:

* A register that counts all of its life is taken as it is; that it begins again at 0 is not to be
  believed.
* A register that counts from 0 for each session begins at 0, whatever the start value says. A value
  that is more than can have been delivered since the start comes from another register that counts
  all of its life (chargers mix the two): the start value is taken off it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from chargepoints.domain.quirks import RegisterKind

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

    `flow_ended_at` is when energy stopped flowing, None if none ever flowed. `resets`: how often
    the register began again at 0 on the way.
    """

    energy_wh: int
    series: tuple[EnergyPoint, ...]
    flow_ended_at: datetime | None
    faults: tuple[MeterFault, ...]
    resets: int = 0


def microseconds(duration: timedelta) -> int:
    """`duration` as an integer, exactly."""
    return duration // timedelta(microseconds=1)


def possible_wh(duration: timedelta, max_power_w: int) -> int:
    """The most that a connector can have delivered in `duration`, with tolerance and slack."""
    at_full_power = max_power_w * microseconds(duration) // _MICROSECONDS_PER_HOUR
    return at_full_power * POWER_TOLERANCE_PERCENT // 100 + SLACK_WH


class _Register:
    """Follows the register from value to value."""

    def __init__(
        self,
        start: RegisterSample,
        samples: Sequence[RegisterSample],
        max_power_w: int,
        *,
        may_reset: bool,
    ) -> None:
        self.last = start
        self.samples = samples
        self.next_other = _next_other_values(samples)
        self.max_power_w = max_power_w
        self.may_reset = may_reset
        self.total = 0
        self.resets = 0
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

    def follow(self, index: int) -> None:
        """Take the sample at `index`; the ones behind it say whether it is a dip or a spike."""
        sample = self.samples[index]
        if sample.wh < self.last.wh:
            self._follow_fall(index)
        elif self._sticks_out(index):
            self.faults.add(MeterFault.IMPOSSIBLE_JUMP)
        else:
            self._accept(sample, sample.wh - self.last.wh)

    def _sticks_out(self, index: int) -> bool:
        samples, sample = self.samples, self.samples[index]
        return (
            sample.wh - self.last.wh > self._possible(sample.at)
            and index + 1 < len(samples)
            and self.last.wh <= samples[index + 1].wh < sample.wh
        )

    def _follow_fall(self, index: int) -> None:
        sample, changed = self.samples[index], self.next_other[index]
        if changed is not None and changed >= self.last.wh:
            return
        rolled_over = ROLLOVER - self.last.wh + sample.wh
        if 0 <= rolled_over <= self._possible(sample.at) and self.last.wh > ROLLOVER // 2:
            self._accept(sample, rolled_over)
        elif sample.wh * 2 <= self.last.wh and self.may_reset:
            self.resets += 1
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


def _next_other_values(samples: Sequence[RegisterSample]) -> list[int | None]:
    """For each sample the first value behind it that is another, in one pass from the end.

    A charger that reports 0 Wh all night must not cost the square of its readings.
    """
    found: list[int | None] = [None] * len(samples)
    for index in range(len(samples) - 2, -1, -1):
        following = samples[index + 1].wh
        found[index] = following if following != samples[index].wh else found[index + 1]
    return found


def delivered(
    *,
    started_at: datetime,
    meter_start_wh: int | None,
    ended_at: datetime,
    meter_stop_wh: int | None,
    samples: Iterable[RegisterSample] = (),
    max_power_w: int | None = None,
    register_kind: RegisterKind = RegisterKind.UNKNOWN,
) -> Delivered:
    """What was delivered between `started_at` and `ended_at` (not before it).

    Without a start value the first reading stands in for it. Readings from more than a minute
    outside of the session are not its own and are left out.
    """
    inside = _inside(samples, started_at, ended_at)
    max_power_w = max_power_w or DEFAULT_MAX_POWER_W
    if register_kind is RegisterKind.PER_SESSION:
        origin = RegisterSample(started_at, meter_start_wh or 0)
        inside = [_from_zero(sample, origin, max_power_w) for sample in inside]
        if meter_stop_wh is not None:
            last = _from_zero(RegisterSample(ended_at, meter_stop_wh), origin, max_power_w)
            meter_stop_wh = last.wh
        meter_start_wh = 0
    elif meter_start_wh is None and inside:
        meter_start_wh = inside[0].wh
    if meter_start_wh is None or (meter_stop_wh is None and not inside):
        nothing = (EnergyPoint(started_at, 0), EnergyPoint(ended_at, 0))
        return Delivered(0, nothing, None, (MeterFault.NO_METER,))
    if meter_stop_wh is not None and register_kind is RegisterKind.UNKNOWN:
        inside = _on_one_register(inside, meter_start_wh, meter_stop_wh)
    with_stop = inside
    if meter_stop_wh is not None:
        with_stop = [*inside, RegisterSample(ended_at, meter_stop_wh)]
    register = _Register(
        RegisterSample(started_at, meter_start_wh),
        with_stop,
        max_power_w,
        may_reset=register_kind is not RegisterKind.LIFETIME,
    )
    for index in range(len(inside)):
        register.follow(index)
    register.stop(ended_at, meter_stop_wh)
    series = tuple(register.points)
    return Delivered(
        register.total,
        series,
        flow_ended_at(series),
        tuple(sorted(register.faults)),
        register.resets,
    )


def extended(
    known: Delivered, last: RegisterSample, new: RegisterSample, max_power_w: int | None
) -> Delivered | None:
    """What `delivered` would say with one more value behind all others, `last` being the newest.

    None where the register did not just go on: then everything has to be looked at anew. Not for
    a register that counts per session.
    """
    delta = new.wh - last.wh
    possible = possible_wh(new.at - last.at, max_power_w or DEFAULT_MAX_POWER_W)
    if known.faults or known.resets or new.at <= last.at or not 0 <= delta <= possible:
        return None
    passed = bisect_right(known.series, last.at, key=lambda point: point.at)
    total = known.energy_wh + delta
    series = (*known.series[:passed], EnergyPoint(new.at, total))
    return Delivered(total, series, flow_ended_at(series), ())


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


def _from_zero(value: RegisterSample, origin: RegisterSample, max_power_w: int) -> RegisterSample:
    """`value` of a register that began at 0 with the session; `origin` is the start value."""
    if origin.wh <= value.wh and value.wh > possible_wh(value.at - origin.at, max_power_w):
        return RegisterSample(value.at, value.wh - origin.wh)
    return value


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
