"""Processes that are started together and end together, each in a process group of its own."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

TERMINATE_SECONDS = 25.0


class Stopped(Exception):
    """Somebody asked the supervisor to end."""


class StopRequest:
    """A signal handler that raises `Stopped`, but not between a process' birth and its registry.

    An exception inside of `Popen` would leave a process that nobody knows.
    """

    def __init__(self) -> None:
        self._is_requested = False
        self._is_held = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._is_requested = True
        if not self._is_held:
            raise Stopped

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, a stop is only noted; it is raised at the end."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._is_requested:
            raise Stopped


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

    def __init__(self, stop_request: StopRequest | None = None) -> None:
        self.children: list[Child] = []
        self.stop_request = stop_request or StopRequest()

    def start(self, child: Child) -> Child:
        with self.stop_request.held():
            child.start()
            self.children.append(child)
        return child

    def run(self, child: Child, seconds: float) -> str:
        """Run `child` to its end; its log. `ProcessFailed` if it fails, or another one ends."""
        self.start(child)
        deadline = time.monotonic() + seconds
        while child.is_running:
            self.check(but=child)
            if time.monotonic() > deadline:
                raise ProcessFailed(
                    f"The {child.name} took more than {seconds:.0f} s.\n{self.logs(lines=15)}"
                )
            time.sleep(0.1)
        self.children.remove(child)
        if child.process is None or child.process.returncode != 0:
            raise ProcessFailed(f"The {child.name} failed:\n{child.tail()}")
        return child.tail()

    def check(self, but: Child | None = None) -> None:
        for child in self.children:
            if child is not but:
                child.check()

    def logs(self, lines: int = 10) -> str:
        return "\n".join(f"--- {child.log}\n{child.tail(lines)}" for child in self.children)

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
            raise ProcessFailed(f"Waited {seconds:.0f} s for {what}.\n{family.logs()}")
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
