"""The program under load, in a process of its own: started, watched and ended here."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.processes import cpu_seconds, resident_kilobytes

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 25
LOG_LINES_SHOWN = 40
GATEWAY = ("manage.py", "serve", "--host", "127.0.0.1")
# The bare `ocpp` package, for comparison.
BARE = ("-m", "benchmarks.bare")


class Server:
    """`program` on a free or given port of 127.0.0.1; ends with the `with` block."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        port: int = 0,
        program: Sequence[str] = GATEWAY,
    ) -> None:
        self.port = port or _free_port()
        self._program = program
        self.log = folder / "server.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("The server does not run.")
        return self._process.pid

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def resident_kilobytes(self) -> int:
        return resident_kilobytes(self.pid)

    def __enter__(self) -> Self:
        command = [sys.executable, *self._program, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        if error is not None:
            print(self._last_lines(), file=sys.stderr)

    def _wait_until_it_listens(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at:
            if self._process is None or self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"The server did not start:\n{self._last_lines()}")

    def _stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError(f"The server did not stop within {STOP_SECONDS} s.") from None

    def _last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def server_environment(folder: Path, database_url: str) -> dict[str, str]:
    """The environment of the server and of every `manage.py` of the run: nothing of `.env`."""
    return {
        **os.environ,
        "CSMS_READ_DOTENV": "0",
        "CSMS_VAR_DIR": str(folder),
        "DATABASE_URL": database_url,
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "csms.settings.local",
        "DJANGO_DEBUG": "0",
        "LOG_LEVEL": "WARNING",
        "API_RATE_ANONYMOUS": "1000000/m",
    }
