"""Processes that are started together and end together, each in a process group of its own."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TERMINATE_SECONDS = 25.0


class ProcessFailed(RuntimeError):
    """A process ended that should have gone on, or did not do what it was started for."""


@dataclass
class Child:
    """One process with a log file; everything that it starts shares its group."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C reaches the supervisor only, which ends them in order.
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: signal.Signals) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return  # the whole group has ended

    def check(self) -> None:
        """Raise `ProcessFailed` with the end of its log if it does not run any more."""
        if not self.is_running:
            code = self.process.returncode if self.process else None
            raise ProcessFailed(
                f"The {self.name} ended (exit code {code}). The end of {self.log}:\n{self.tail()}"
            )

    def tail(self, lines: int = 25) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Family:
    """The running children, oldest first."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    def start(self, child: Child) -> Child:
        self.children.append(child)
        child.start()
        return child

    def check(self) -> None:
        for child in self.children:
            child.check()

    def stop(self, seconds: float = TERMINATE_SECONDS) -> None:
        """Ask all groups to end, youngest first, and kill what is left after `seconds`."""
        for child in reversed(self.children):
            child.signal_group(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        for child in reversed(self.children):
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    child.signal_group(signal.SIGKILL)
                    child.process.wait()
        # What a child left behind in its group, such as a pool's processes.
        for child in self.children:
            child.signal_group(signal.SIGKILL)
        self.children.clear()


def wait_until(
    condition: Callable[[], bool], what: str, family: Family, seconds: float, every: float = 0.25
) -> None:
    """Return once `condition` holds; `ProcessFailed` if a child ends or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        family.check()
        if time.monotonic() > deadline:
            logs = "\n".join(f"--- {c.log}\n{c.tail(10)}" for c in family.children)
            raise ProcessFailed(f"Waited {seconds:.0f} s for {what}.\n{logs}")
        time.sleep(every)


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(first: int, attempts: int = 50) -> int:
    """`first` or the next free port after it; `ProcessFailed` if there is none."""
    for port in range(first, first + attempts):
        if is_free(port):
            return port
    raise ProcessFailed(f"No port from {first} to {first + attempts - 1} is free.")


def any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
