"""`make demo`: everything on one machine, with 20 simulated chargers, until Ctrl-C.

Starts the same processes as production (one server for web and gateway, a Celery worker, beat),
on the embedded back ends, in a folder of its own.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from simulators.processes import (
    Child,
    Family,
    ProcessFailed,
    Stopped,
    StopRequest,
    any_free_port,
    free_port,
    wait_until,
)

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = ROOT / "var" / "demo"
DEFAULT_PORT = 8000
ADMIN_EMAIL = "admin@example.com"
STAFF_EMAIL = "staff@example.com"
IDENTITY_PREFIX = "TH-DEMO-"
START_SECONDS = 90.0
SMOKE_SECONDS = 110.0
COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """Made once for each folder, so that no password stands in the repository."""

    staff_password: str
    station_password: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and where."""

    folder: Path
    port: int
    chargers: int
    speed_up: float
    meter_seconds: float
    pause_seconds: float
    credentials: Credentials

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def console(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def ocpp(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process: embedded back ends, whatever the shell names."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CSMS_", "DJANGO_", "OCPP_", "API_RATE_", "DATABASE_"))
        }
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "csms.settings.local",
            "CSMS_READ_DOTENV": "0",
            "CSMS_VAR_DIR": str(self.folder),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "FIELD_ENCRYPTION_KEYS": "",
            # Not by number: passkeys need a name.
            "PUBLIC_URL": self.console,
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "INFO",
            "OCPP_HEARTBEAT_INTERVAL_SECONDS": "30",
            "DEMO_STAFF_PASSWORD": self.credentials.staff_password,
            "DEMO_STATION_PASSWORD": self.credentials.station_password,
            "PYTHONUNBUFFERED": "1",
        }


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def load_credentials(folder: Path) -> Credentials:
    """The folder's credentials, made on the first run and readable by the owner only."""
    path = folder / "demo.json"
    if not path.exists():
        made = Credentials(secrets.token_urlsafe(12), secrets.token_urlsafe(18))
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(made)))
    return Credentials(**json.loads(path.read_text()))


def manage(plan: Plan, family: Family, command: str, *arguments: str) -> str:
    """Run a management command to its end; its last line. `ProcessFailed` if it fails."""
    output = family.run(child(plan, command, "manage.py", command, *arguments), COMMAND_SECONDS)
    return output.splitlines()[-1] if output else ""


def child(plan: Plan, name: str, *arguments: str) -> Child:
    logs = plan.folder / "logs"
    logs.mkdir(exist_ok=True)
    log = logs / f"{name}.log"
    log.write_bytes(b"")
    return Child(name, [sys.executable, *arguments], plan.environment, ROOT, log)


def is_up(plan: Plan) -> bool:
    try:
        with urllib.request.urlopen(f"{plan.http}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def start_everything(plan: Plan, family: Family) -> None:
    """Database, server, jobs, chargers, in this order, saying so."""
    started = time.monotonic()

    def step(text: str) -> None:
        say(f"[{time.monotonic() - started:5.1f} s] {text}")

    step("Creating the database (SQLite) …")
    manage(plan, family, "migrate", "--no-input")
    step("Adding operators, sites, tariffs, chargers and staff …")
    step(manage(plan, family, "seed_demo", "--chargers", str(plan.chargers)))
    step(f"Starting the server for web and gateway on port {plan.port} …")
    family.start(server(plan))
    wait_until(lambda: is_up(plan), "the server", family, START_SECONDS)
    step("Starting the Celery worker and beat …")
    family.start(
        child(
            plan, "worker", "-m", "celery", "-A", "csms", "worker", "--pool", "solo", "-l", "INFO"
        )
    )
    schedule = str(plan.folder / "celerybeat-schedule")
    family.start(child(plan, "beat", "-m", "celery", "-A", "csms", "beat", "-s", schedule))
    step(f"Connecting {plan.chargers} simulated chargers to {plan.ocpp}/… …")
    family.start(chargers(plan))


def server(plan: Plan) -> Child:
    return child(
        plan,
        "server",
        "manage.py",
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(plan.port),
    )


def chargers(plan: Plan) -> Child:
    return child(
        plan,
        "chargers",
        "manage.py",
        "simulate",
        "--url",
        plan.ocpp,
        "--chargers",
        str(plan.chargers),
        "--identity-prefix",
        IDENTITY_PREFIX,
        "--password",
        plan.credentials.station_password,
        "--speed-up",
        str(plan.speed_up),
        "--meter-interval",
        str(plan.meter_seconds),
        "--pause",
        str(plan.pause_seconds),
    )


def welcome(plan: Plan, family: Family) -> None:
    code = manage(plan, family, "demo_code")
    uri = manage(plan, family, "demo_code", "--uri")
    say(
        f"""
  Dashboard   {plan.console}/admin/
  Sign in     {ADMIN_EMAIL}   password  {plan.credentials.staff_password}
              {STAFF_EMAIL}   the same password, one operator only
  One-time    {code} now; a new one each 30 seconds: make demo-code
  code        for the second login: make demo-code EMAIL={STAFF_EMAIL}
              or add to an authenticator app: {uri}
  API         {plan.http}/openapi
  Chargers    {plan.ocpp}/{IDENTITY_PREFIX}0001 …
              Basic auth password  {plan.credentials.station_password}
  Logs        {plan.folder / "logs"}

  Sessions take one to two minutes. Ctrl-C ends everything.
"""
    )


def watch(plan: Plan, family: Family) -> None:
    """Show what the chargers report, until stopped or a process ends."""
    log = family.children[-1].log
    shown = ""
    while True:
        family.check()
        last = next(
            (line for line in reversed(log.read_text().splitlines()) if "online" in line), ""
        )
        if last and last != shown:
            say(f"[{time.strftime('%H:%M:%S')}] {last}")
            shown = last
        time.sleep(1.0)


def smoke(plan: Plan, family: Family) -> None:
    """Wait for one priced session and look at it as a person would; `ProcessFailed` if not."""
    say("Waiting for a session that is complete and priced …")
    checker = child(plan, "check_demo", "manage.py", "check_demo", "--url", plan.http)
    say(family.run(checker, SMOKE_SECONDS))


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.demo", description=__doc__)
    parser.add_argument("--port", type=int, help=f"default: {DEFAULT_PORT}, or the next free one")
    parser.add_argument("--chargers", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--fresh", action="store_true", help="forget the rows of earlier runs")
    parser.add_argument("--smoke", action="store_true", help="run until one session is priced")
    return parser.parse_args(arguments)


def make_plan(options: argparse.Namespace, folder: Path) -> Plan:
    wanted = options.port or DEFAULT_PORT
    port = any_free_port() if options.smoke and not options.port else free_port(wanted)
    if options.port and port != options.port:
        raise ProcessFailed(f"Port {options.port} is taken. Free it, or: make demo PORT={port}")
    if not options.smoke and port != wanted:
        say(f"Port {wanted} is taken: using {port}.")
    return Plan(
        folder=folder,
        port=port,
        chargers=options.chargers,
        speed_up=60.0 if options.smoke else 15.0,
        meter_seconds=1.0 if options.smoke else 3.0,
        pause_seconds=3.0 if options.smoke else 15.0,
        credentials=load_credentials(folder),
    )


def run(options: argparse.Namespace, folder: Path, stop_request: StopRequest) -> None:
    if options.fresh and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Jobs of an earlier run are of no use to this one.
    shutil.rmtree(folder / "broker", ignore_errors=True)
    plan = make_plan(options, folder)
    family = Family(stop_request)
    try:
        start_everything(plan, family)
        if options.smoke:
            smoke(plan, family)
        else:
            welcome(plan, family)
            watch(plan, family)
    finally:
        # A second Ctrl-C must not leave processes behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if family.children:
            say("Ending all processes …")
        family.stop()
        say("All processes have ended.")


def main() -> int:
    options = parse_arguments(sys.argv[1:])
    stop_request = StopRequest()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_request)
    try:
        if options.smoke:
            with tempfile.TemporaryDirectory(prefix="csms-demo-") as folder:
                run(options, Path(folder), stop_request)
        else:
            run(options, options.folder.resolve(), stop_request)
    except Stopped:
        return 1 if options.smoke else 0
    except (ProcessFailed, urllib.error.URLError) as error:
        say(f"\nThe demo failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
