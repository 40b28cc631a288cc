"""The demo's supervisor: its processes end with it, and it says what went wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulators import demo
from simulators.processes import (
    Child,
    Family,
    ProcessFailed,
    Stopped,
    StopRequest,
    free_port,
    wait_until,
)

SLEEP = "import time; time.sleep(600)"
# A process that starts another one and ignores SIGTERM; says when both run.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""


def start(folder: Path, code: str, name: str = "sleeper") -> Child:
    child = Child(name, [sys.executable, "-c", code], os.environ, folder, folder / f"{name}.log")
    child.start()
    return child


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def processes_with(variable: str) -> list[str]:
    """Command lines of running processes that have `variable` in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has just ended, or belongs to somebody else
    return found


def test_a_family_ends_whole_groups(tmp_path: Path) -> None:
    family = Family()
    child = start(tmp_path, STUBBORN)
    family.children.append(child)
    wait_until(lambda: "child" in child.tail(), "the grandchild", family, 10, every=0.02)
    grandchild = int(child.tail().split()[-1])
    assert is_alive(grandchild)

    family.stop(seconds=0.3)
    assert not child.is_running
    deadline = time.monotonic() + 5
    while is_alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(grandchild)


def test_a_stop_between_birth_and_registry_waits(tmp_path: Path) -> None:
    stop_request = StopRequest()
    family = Family(stop_request)
    child = Child("sleeper", [sys.executable, "-c", SLEEP], os.environ, tmp_path, tmp_path / "log")
    born = child.start

    def interrupted_start() -> None:
        born()
        stop_request(signal.SIGTERM, None)

    child.start = interrupted_start  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        family.start(child)
    assert family.children == [child]
    family.stop()
    assert not child.is_running


def test_a_process_that_ends_early_shows_the_end_of_its_log(tmp_path: Path) -> None:
    family = Family()
    family.children.append(start(tmp_path, "print('no database here'); raise SystemExit(3)"))
    with pytest.raises(ProcessFailed, match=r"(?s)exit code 3.*no database here"):
        wait_until(lambda: False, "nothing", family, 10, every=0.02)


def test_waiting_ends(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="the moon"):
        wait_until(lambda: False, "the moon", Family(), 0.05, every=0.01)


def test_a_taken_port_is_passed_over_or_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
        options = demo.parse_arguments(["--port", str(port)])
        with pytest.raises(ProcessFailed, match=rf"Port {port} is taken.*make demo PORT="):
            demo.make_plan(options, tmp_path)


def test_credentials_are_made_once_and_private(tmp_path: Path) -> None:
    made = demo.load_credentials(tmp_path)
    assert demo.load_credentials(tmp_path) == made
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0
    assert len(made.staff_password) >= 12
    assert len(made.station_password) >= 16


def test_the_demo_takes_nothing_from_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://production/csms")
    monkeypatch.setenv("REDIS_URL", "redis://production")
    monkeypatch.setenv("DJANGO_SECRET_KEY", "production")
    environment = demo.make_plan(demo.parse_arguments(["--smoke"]), tmp_path).environment
    assert environment["DATABASE_URL"] == environment["REDIS_URL"] == ""
    assert "DJANGO_SECRET_KEY" not in environment


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """Stopped while it starts: the worst moment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.demo", "--chargers", "1", "--folder", str(tmp_path)],
        cwd=demo.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Starting the server" in line:
            break
    process.send_signal(number)
    rest, _errors = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "All processes have ended." in rest
    assert processes_with(f"CSMS_VAR_DIR={tmp_path}") == []
