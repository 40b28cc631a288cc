"""CPU time and memory of other processes, read from /proc (Linux only)."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process; 0 once it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # The second field is the command in parentheses and may hold blanks.
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


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


def busy_seconds() -> float:
    """CPU time that all processes of the machine together have used since it started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts = map(int, fields[:7])
    return (user + nice + system + interrupts + soft_interrupts) / TICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds used in `seconds` of wall clock. `database` is None where it cannot be seen.

    `everybody` is what the whole machine used: the rest was other work in the way of this one.
    """

    seconds: float
    server: float
    client: float
    database: float | None
    everybody: float

    @property
    def others_percent(self) -> float:
        """Share of all processors that was busy with neither of the three."""
        ours = self.server + self.client + (self.database or 0.0)
        processors = os.cpu_count() or 1
        return max(0.0, self.everybody - ours) / (self.seconds * processors) * 100


class UsageMeter:
    """Measures the three parties over one window, between `start` and `stop`."""

    def __init__(
        self, server_pids: Sequence[int], find_database_pids: Callable[[], list[int]]
    ) -> None:
        self._server_pids = server_pids
        self._find_database_pids = find_database_pids
        self._database_before: dict[int, float] = {}
        self._before = (0.0, 0.0, 0.0, 0.0)

    def start(self) -> None:
        self._database_before = {pid: cpu_seconds(pid) for pid in self._find_database_pids()}
        self._before = self._now()

    def stop(self) -> Usage:
        wall, server, client, everybody = (
            after - before for before, after in zip(self._before, self._now(), strict=True)
        )
        # Also of connections that the server opened in between: those began with 0.
        database = [
            cpu_seconds(pid) - self._database_before.get(pid, 0.0)
            for pid in self._find_database_pids()
        ]
        return Usage(wall, server, client, sum(database) if database else None, everybody)

    def _now(self) -> tuple[float, float, float, float]:
        return (
            time.monotonic(),
            sum(map(cpu_seconds, self._server_pids)),
            time.process_time(),
            busy_seconds(),
        )
