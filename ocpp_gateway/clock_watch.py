"""Whether a charger's clock shows the local time and calls it UTC (case 41)."""

from datetime import datetime

from chargepoints.domain.clocks import half_hours_ahead

# As many reports in a row are no coincidence.
ENOUGH = 3


class ClockWatch:
    """Looks at the times of one socket's reports."""

    __slots__ = ("_half_hours", "_seen")

    def __init__(self) -> None:
        self._half_hours = 0
        self._seen = 0

    def note(self, said: datetime, received_at: datetime) -> int:
        """Take one time; the half hours by which the clock is constantly ahead, 0 if it is not."""
        ahead = half_hours_ahead(said, received_at)
        self._seen = self._seen + 1 if ahead == self._half_hours else 1
        self._half_hours = ahead
        return ahead if self._seen >= ENOUGH else 0
