"""CPU time and memory of other processes, read from /proc (Linux only)."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of `pids`; one that has ended counts nothing."""
    ticks = 0
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # The second field is the command in parentheses and may hold blanks.
        fields = stat.rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def resident_kilobytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def processor() -> str:
    """Number and model of the processors."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{len(os.sched_getaffinity(0))} x {model}"


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds used in `seconds` of wall clock. `database` is None where it cannot be seen."""

    seconds: float
    server: float
    client: float
    database: float | None


class UsageMeter:
    """Measures the three parties over one window, between `start` and `stop`."""

    def __init__(self, server_pid: int, database_pids: Callable[[], list[int]]) -> None:
        self._server_pid = server_pid
        self._find_database_pids = database_pids
        self._database_pids: list[int] = []
        self._before = (0.0, 0.0, 0.0, 0.0)

    def start(self) -> None:
        self._database_pids = self._find_database_pids()
        self._before = self._now()

    def stop(self) -> Usage:
        wall, server, client, database = (
            after - before for before, after in zip(self._before, self._now(), strict=True)
        )
        return Usage(wall, server, client, database if self._database_pids else None)

    def _now(self) -> tuple[float, float, float, float]:
        return (
            time.monotonic(),
            cpu_seconds([self._server_pid]),
            time.process_time(),
            cpu_seconds(self._database_pids),
        )
