"""An installation as an operator has it: its own database, its own processes, the real commands."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis

from simulators.processes import any_free_port

ROOT = Path(__file__).parents[2]
PYTHON = Path(sys.executable)
READY_SECONDS = 60.0
WAIT_SECONDS = 15.0
# A server that has drained ends by the signal that asked for it, as uvicorn does.
STOPPED = {0, -signal.SIGTERM}


def until(condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
    """Return the first true value of `condition`; fail, naming `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"Waited {seconds:.0f} s for {what}."
        time.sleep(0.02)
    return value


class Server:
    """One server process of an installation. `base` is where people and programs call."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.base = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        assert self.process.poll() is None, f"The server ended:\n{self.log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"{self.base}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(WAIT_SECONDS)

    def stop(self) -> int:
        """SIGTERM, as a service manager does it; returns the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            return self.process.wait(25)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Installation:
    """Settings of one installation and its running servers. `tariff`: one without a price."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.folder = folder
        kept = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV"}
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in kept},
            "CSMS_READ_DOTENV": "0",
            "CSMS_VAR_DIR": str(folder / "var"),
            "DJANGO_SETTINGS_MODULE": "csms.settings.local",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "LOG_LEVEL": "INFO",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.servers: list[Server] = []
        self.tariff = 0

    # --- commands

    def run(self, *command: str, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def manage(self, *arguments: str) -> str:
        """What the command prints on standard output; it has to succeed."""
        done = self.run(str(PYTHON), "manage.py", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What the command prints on standard error; it has to fail, and not by a traceback."""
        done = self.run(str(PYTHON), "manage.py", *arguments)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    # --- servers

    def serve(self, how: str = "serve", port: int = 0) -> Server:
        """Start a server (`serve`, `uvicorn`, `make` or `shifted`) and wait until it is ready."""
        port = port or any_free_port()
        commands = {
            "serve": [str(PYTHON), "manage.py", "serve", "--port", str(port)],
            "uvicorn": [
                *(str(PYTHON), "-m", "uvicorn", "csms.asgi:application"),
                *("--host", "127.0.0.1", "--port", str(port)),
            ],
            # By a clock that a test may set.
            "shifted": [
                *(str(PYTHON), "-m", "tests.faults.shifted_clock"),
                *("serve", "--port", str(port)),
            ],
            # As installed: a test does not install.
            "make": [
                *("make", "--no-print-directory", f"VENV={sys.prefix}"),
                *("-o", f"{sys.prefix}/.runtime", "serve", f"PORT={port}"),
            ],
        }
        log = self.folder / f"{how}-{port}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                commands[how],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(process, port, log)
        self.servers.append(server)
        until(server.is_ready, f"the server ({log})", READY_SECONDS)
        return server

    def stop(self) -> None:
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()


class Client:
    """A program that uses the API of one server."""

    def __init__(self, server: Server, headers: dict[str, str]) -> None:
        self.server = server
        self.headers = headers

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body; a refusal is an answer, too."""
        request = urllib.request.Request(
            self.server.base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self.headers, **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read() or b"null")

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def sessions_of(self, identity: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/transactions?identity={identity}")["results"]
        return found

    def summary(self, transaction_id: int) -> dict[str, Any]:
        """By the charger's transaction id, as a partner finds it."""
        (row,) = self.get(f"/transactions?transaction_id={transaction_id}")["results"]
        found: dict[str, Any] = self.get(f"/api/transactions/{row['id']}/summary")
        return found


class RedisServer:
    """A Redis of the test's own, that can be stopped and comes back empty."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = any_free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            *(program, "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", str(folder), "--loglevel", "warning"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(self._answers, "Redis")

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_connect_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(WAIT_SECONDS)
            self._process = None


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database, dropped at the end."""
    name = f"csms_acceptance_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
