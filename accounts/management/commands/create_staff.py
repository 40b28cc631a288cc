"""`manage.py create_staff EMAIL --role … --operator CODE`"""

import getpass
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.domain.states import Role
from accounts.management.second_factor import print_second_factor
from accounts.models import Operator
from accounts.services.staff import create_staff, ensure_totp
from csms.common.errors import DomainError


class Command(BaseCommand):
    help = """Make a member of staff, with the second factor that signing in needs.

Prints the otpauth:// address (for a QR code), the secret to type into an authenticator app
instead, and ten backup codes: all of them once.

Roles:
  STAFF       works with the rows of the operators given by --operator (at least one)
  SUPERADMIN  works with everything"""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--role", choices=[Role.STAFF.value, Role.SUPERADMIN.value], default=Role.STAFF.value
        )
        parser.add_argument(
            "--operator", dest="operators", action="append", default=[], metavar="CODE"
        )
        parser.add_argument(
            "--password", help="asked for without it, so that it stays out of the shell's history"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        operators = [_operator(code) for code in options["operators"]]
        password = options["password"] or self._ask()
        try:
            user = create_staff(options["email"], password, options["role"], operators)
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(f"{user.email} may sign in as {user.role}.")
        print_second_factor(user, ensure_totp(user), self.stdout)

    def _ask(self) -> str:
        if not sys.stdin.isatty():
            raise CommandError("No terminal to ask for a password on: give --password.")
        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Password (again): "):
            raise CommandError("The passwords differ.")
        return first


def _operator(code: str) -> Operator:
    operator = Operator.objects.filter(code=code).first()
    if operator is None:
        known = ", ".join(Operator.objects.values_list("code", flat=True)) or "none yet"
        raise CommandError(f"There is no operator with the code {code} (known: {known}).")
    return operator
