import asyncio
import contextlib
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from simulators.charger import ChargerOptions
from simulators.fleet import (
    FLEET_TOKENS,
    Fleet,
    FleetOptions,
    FleetReport,
    RemoteTargetRefused,
    check_target,
)
from simulators.management.base import SimulatorCommand


class Command(SimulatorCommand):
    help = "Run simulated OCPP 1.6 chargers against a management system."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="ws://127.0.0.1:8000/ocpp", help="without identity")
        parser.add_argument("--chargers", type=int, default=10)
        parser.add_argument("--identity-prefix", default="SIM-", help="then 0001, 0002, …")
        parser.add_argument("--password", default="", help="Basic auth password of all of them")
        parser.add_argument("--token", action="append", help="id token to use; may be repeated")
        parser.add_argument("--sessions", type=int, help="per connector, then end")
        parser.add_argument("--duration", type=float, help="seconds, then end")
        parser.add_argument("--speed-up", type=float, default=1.0, help="of the cars' time")
        parser.add_argument("--meter-interval", type=float, default=10.0, help="seconds")
        parser.add_argument("--pause", type=float, default=20.0, help="most seconds between cars")
        parser.add_argument("--fault-probability", type=float, default=0.05, help="per session")
        parser.add_argument("--seed", type=int, help="repeat the same choices")
        parser.add_argument("--report-interval", type=float, default=5.0, help="seconds")
        parser.add_argument(
            "--allow-remote", action="store_true", help="also to other machines than this one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["chargers"] < 1 or options["speed_up"] < 1 or options["meter_interval"] <= 0:
            raise CommandError(
                "--chargers and --speed-up must be at least 1, --meter-interval above 0."
            )
        try:
            check_target(options["url"], allow_remote=options["allow_remote"])
        except RemoteTargetRefused as error:
            raise CommandError(str(error)) from error
        report = asyncio.run(self._run(_fleet_options(options), options["report_interval"]))
        self._show(report)
        if report.sessions_started == 0 and report.refusals:
            raise CommandError(f"No session started. Last trouble: {report.last_trouble}")

    async def _run(self, options: FleetOptions, every_seconds: float) -> FleetReport:
        fleet = Fleet(options)
        running = asyncio.create_task(fleet.run(self._show, every_seconds))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return fleet.report()

    def _show(self, report: FleetReport) -> None:
        trouble = f" (last trouble: {report.last_trouble})" if report.last_trouble else ""
        self.stdout.write(f"{report}{trouble}")
        self.stdout.flush()


def _fleet_options(options: dict[str, Any]) -> FleetOptions:
    charger = ChargerOptions(
        url=options["url"],
        password=options["password"],
        speed_up=options["speed_up"],
        meter_seconds=options["meter_interval"],
    )
    most = max(0.0, options["pause"])
    return FleetOptions(
        charger=charger,
        chargers=options["chargers"],
        identity_prefix=options["identity_prefix"],
        sessions=options["sessions"],
        duration_seconds=options["duration"],
        pause_seconds=(min(1.0, most), most),
        fault_probability=options["fault_probability"],
        seed=options["seed"],
        tokens=tuple(options["token"] or FLEET_TOKENS),
    )
