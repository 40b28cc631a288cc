from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import Authenticator
from simulators.management.base import SimulatorCommand
from simulators.seed import ADMIN_EMAIL, one_time_code, provisioning_uri


class Command(SimulatorCommand):
    help = "Print the one-time code that the demo's sign-in asks for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default=ADMIN_EMAIL)
        parser.add_argument("--uri", action="store_true", help="the otpauth URI instead")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            shown = provisioning_uri if options["uri"] else one_time_code
            self.stdout.write(shown(options["email"]))
        except Authenticator.DoesNotExist as error:
            raise CommandError("There is no such login here: run `make demo` first.") from error
