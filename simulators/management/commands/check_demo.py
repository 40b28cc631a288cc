from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from simulators import smoke
from simulators.management.base import SimulatorCommand
from simulators.seed import SECOND_ADMIN_EMAIL


class Command(SimulatorCommand):
    help = "Wait for a priced session of the running demo and look at it from all sides."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        password = smoke.staff_password()
        browser = smoke.Browser(options["url"])
        try:
            session = smoke.wait_for_priced_session()
            self.stdout.write(smoke.check_rows(session))
            self.stdout.write(smoke.check_health(browser))
            self.stdout.write(smoke.check_dashboard(browser, password))
            # Another login: a one-time code opens one door only.
            self.stdout.write(
                smoke.check_summary(
                    smoke.Browser(options["url"]), session, SECOND_ADMIN_EMAIL, password
                )
            )
        except smoke.CheckFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write("All checks passed.")
