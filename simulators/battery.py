"""How a car charges: constant power, then less and less towards full."""

import random
from dataclasses import dataclass

TAPER_FROM_PERCENT = 80.0
TRICKLE_SHARE = 0.12
SECONDS_PER_HOUR = 3600.0
AC_VOLTS = 230.0
AC_PHASES = 3


@dataclass(slots=True)
class Battery:
    """A car's battery at a connector. Wh, W, per cent."""

    capacity_wh: float
    soc_percent: float
    target_percent: float
    max_power_w: float

    @property
    def is_done(self) -> bool:
        return self.soc_percent >= self.target_percent

    @property
    def power_w(self) -> float:
        """What the car draws now: full power to 80 %, then falling in a straight line."""
        if self.is_done:
            return 0.0
        if self.soc_percent <= TAPER_FROM_PERCENT:
            return self.max_power_w
        share = (100.0 - self.soc_percent) / (100.0 - TAPER_FROM_PERCENT)
        return self.max_power_w * max(TRICKLE_SHARE, share)

    def charge(self, seconds: float) -> float:
        """Charge for `seconds` of the car's time; the energy taken in Wh."""
        energy_wh = self.power_w * seconds / SECONDS_PER_HOUR
        missing_wh = (self.target_percent - self.soc_percent) / 100.0 * self.capacity_wh
        energy_wh = max(0.0, min(energy_wh, missing_wh))
        self.soc_percent = min(100.0, self.soc_percent + energy_wh / self.capacity_wh * 100.0)
        if missing_wh - energy_wh < 1.0:
            self.soc_percent = max(self.soc_percent, self.target_percent)
        return energy_wh

    def seconds_to_target(self) -> float:
        """The car's time until the target, found by charging a copy."""
        copy = Battery(self.capacity_wh, self.soc_percent, self.target_percent, self.max_power_w)
        seconds = 0.0
        while not copy.is_done and seconds < 24 * SECONDS_PER_HOUR:
            copy.charge(15.0)
            seconds += 15.0
        return seconds


def arriving_car(chance: random.Random, connector_power_w: int, *, is_dc: bool) -> Battery:
    """A car of a usual size that stays for 12 to 28 minutes, or until it is at 85 %."""
    capacity_wh = chance.choice((49_900.0, 50_300.0, 60_480.0, 64_000.0, 77_400.0, 84_700.0))
    car_limit_w = chance.choice((60_000.0, 88_000.0, 115_000.0, 150_000.0)) if is_dc else 11_000.0
    max_power_w = min(connector_power_w * 0.97, car_limit_w)
    soc_percent = chance.uniform(15.0, 45.0)
    wanted_wh = max_power_w * chance.uniform(12.0, 28.0) / 60.0
    return Battery(
        capacity_wh=capacity_wh,
        soc_percent=soc_percent,
        target_percent=min(85.0, soc_percent + wanted_wh / capacity_wh * 100.0),
        max_power_w=max_power_w,
    )


def volts_and_amperes(power_w: float, soc_percent: float, *, is_dc: bool) -> tuple[float, float]:
    """What the meter shows: the battery's voltage on DC, 230 V on each of three phases on AC."""
    volts = 330.0 + soc_percent * 0.9 if is_dc else AC_VOLTS
    amperes = power_w / volts if is_dc else power_w / (AC_VOLTS * AC_PHASES)
    return volts, amperes
