import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from simulators.management.base import SimulatorCommand
from simulators.seed import seed


class Command(SimulatorCommand):
    help = "Make the demo's operators, sites, chargers, tariffs, staff and id tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chargers", type=int, default=20)

    def handle(self, *args: Any, **options: Any) -> None:
        # By environment, because arguments of a process can be read by everybody.
        try:
            staff_password = os.environ["DEMO_STAFF_PASSWORD"]
            station_password = os.environ["DEMO_STATION_PASSWORD"]
        except KeyError as error:
            raise CommandError(f"{error.args[0]} is not set; `make demo` sets it.") from error
        seeded = seed(
            chargers=options["chargers"],
            staff_password=staff_password,
            station_password=station_password,
        )
        self.stdout.write(
            f"{seeded.operators} operators, {seeded.sites} sites, {seeded.stations} chargers, "
            f"{seeded.tokens} id tokens"
        )
