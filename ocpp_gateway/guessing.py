"""How fast one charger may try cards that are refused."""

from typing import NamedTuple

PER_SECOND = 0.5
# Longer, and a charger would take its message for lost and send it again, without end.
LONGEST_DELAY_SECONDS = 10.0
MOST_STATIONS = 20_000


class Guess(NamedTuple):
    """What one refused card costs. `delay` in seconds; `is_limited`: no further one is free."""

    delay: float
    is_limited: bool


class GuessLimit:
    """`burst` refused cards at once, then one every two seconds: nobody at a charger is faster.

    Starts and stops that a charger reports late count too: it could backdate its guesses.
    """

    __slots__ = ("_allowance", "_at", "_burst")

    def __init__(self, burst: int, at: float) -> None:
        self._allowance = float(burst)
        self._at = at
        self._burst = burst

    def count(self, at: float) -> Guess:
        """Count one refused card. `at` is monotonic, in seconds."""
        least = -LONGEST_DELAY_SECONDS * PER_SECOND
        self._allowance = max(least, self._present(at) - 1)
        self._at = at
        return Guess(max(0.0, -self._allowance / PER_SECOND), self._allowance < 1)

    def is_forgotten(self, at: float) -> bool:
        """Whether it counts as much as none."""
        return self._present(at) >= self._burst

    def _present(self, at: float) -> float:
        return min(self._burst, self._allowance + (at - self._at) * PER_SECOND)


class GuessLimits:
    """The limit of each station, whatever socket it comes with. For one event loop."""

    def __init__(self, burst: int) -> None:
        self._burst = burst
        # The one that counted last stands last.
        self._limits: dict[int, GuessLimit] = {}

    def __len__(self) -> int:
        return len(self._limits)

    def count(self, station_id: int, at: float) -> Guess:
        """Count one refused card of the station. `at` is monotonic, in seconds."""
        limit = self._limits.pop(station_id, None) or GuessLimit(self._burst, at)
        self._forget(at)
        self._limits[station_id] = limit
        return limit.count(at)

    def _forget(self, at: float) -> None:
        while self._limits:
            station_id, limit = next(iter(self._limits.items()))
            if len(self._limits) < MOST_STATIONS and not limit.is_forgotten(at):
                return
            del self._limits[station_id]
