"""How fast one charger may try cards that are refused."""

BURST = 30.0
PER_SECOND = 0.5


class GuessLimit:
    """Thirty refused cards at once, then one every two seconds: nobody at a charger is faster."""

    __slots__ = ("_allowance", "_at")

    def __init__(self, at: float) -> None:
        self._allowance = BURST
        self._at = at

    def delay(self, at: float) -> float:
        """Count one refused card; return how many seconds its answer has to wait.

        `at` is monotonic, in seconds.
        """
        self._allowance = min(BURST, self._allowance + (at - self._at) * PER_SECOND) - 1
        self._at = at
        return max(0.0, -self._allowance / PER_SECOND)
