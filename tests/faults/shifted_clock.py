"""`python -m tests.faults.shifted_clock COMMAND …`: manage.py by a clock that a test may set.

The file that CLOCK_FILE names holds by how many seconds the clock is ahead, and is read whenever
somebody asks for the time. What runs for a while (time-outs, pings, the tick) goes by the monotonic
clock, which nobody can set, and stays as it is.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.core.management import execute_from_command_line
from django.utils import timezone

from csms.common import clock as house_clock


class ShiftedClock:
    """`set` makes it jump; processes that run by it see that at once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def set(self, ahead: timedelta) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(str(ahead.total_seconds()))
        draft.replace(self._file)

    def ahead(self) -> float:
        return float(self._file.read_text())


def main() -> None:
    clock = ShiftedClock(Path(os.environ["CLOCK_FILE"]))
    true_time: Callable[[], float] = time.time
    true_now: Callable[[], datetime] = timezone.now
    true_house_time: Callable[[], datetime] = house_clock.now
    # Whoever asks the time in this program asks one of these, and is imported only afterwards.
    time.time = lambda: true_time() + clock.ahead()
    timezone.now = lambda: true_now() + timedelta(seconds=clock.ahead())
    house_clock.now = lambda: true_house_time() + timedelta(seconds=clock.ahead())
    execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
