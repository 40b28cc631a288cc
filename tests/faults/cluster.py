"""A PostgreSQL cluster of the tests' own, that they may restart as they like."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from simulators.processes import any_free_port

# PostgreSQL refuses to run as root; this is the user that its packages make.
SERVICE_USER = "postgres"


def find_programs() -> Path | None:
    """The folder with initdb and pg_ctl; None where there is no server."""
    folders = [
        Path(found).resolve().parent for name in ("pg_ctl",) if (found := shutil.which(name))
    ]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def service_user() -> str | None:
    """Who runs the server; None: whoever runs the tests."""
    return SERVICE_USER if os.geteuid() == 0 else None


def why_not() -> str:
    """The reason why no cluster can be made here; empty if it can."""
    if find_programs() is None:
        return "no PostgreSQL server is installed (initdb, pg_ctl)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(SERVICE_USER)
        except KeyError:
            return f"PostgreSQL does not run as root and there is no user {SERVICE_USER}"
    return ""


class Cluster:
    """Durable as in production: what it has committed survives its own kill."""

    def __init__(self) -> None:
        programs = find_programs()
        assert programs is not None
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="csms-faults-"))
        self.port = any_free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        if user := service_user():
            shutil.chown(self._folder, user)
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), "-D", str(self._folder / "data"), *arguments],
            cwd=self._folder,
            user=service_user(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -c max_connections=60"
        log = str(self._folder / "log")
        # Not through a pipe: the server would inherit it and never let it end.
        self._control("start", "-w", "-l", log, "-o", options)

    def stop(self, how: str = "fast") -> None:
        self._control("stop", "-w", "-m", how)

    def _control(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / "pg_ctl"), "-D", str(self._folder / "data"), *arguments],
            cwd=self._folder,
            user=service_user(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (self._folder / "log").read_text()[-2000:]

    def freeze(self) -> None:
        """Stop every process where it is: connections stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        postmaster = (self._folder / "data" / "postmaster.pid").read_text().split()[0]
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        for process in (postmaster, *children):
            with contextlib.suppress(ProcessLookupError):  # a connection that has just ended
                os.kill(int(process), number)

    def remove(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self._folder)
