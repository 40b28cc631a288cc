"""`manage.py import_tokens FILE.csv`"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.reading import read_file
from accounts.models import Operator
from accounts.services.token_import import COLUMNS, import_tokens
from csms.common.audit import SystemActor
from csms.common.csv_input import NotReadable, Problems


class Command(BaseCommand):
    help = f"""Make and change id tokens (RFID cards, app tokens) from a CSV file.

Columns: {",".join(COLUMNS)}
  token         compared without regard to case
  type          ISO14443 (or RFID; the default), ISO15693, Central, eMAID, KeyCode, …
  status        ACCEPTED (the default) or BLOCKED
  expires_at    2027-12-31 (until the end of that day in Thailand) or 2027-12-31T18:00:00+07:00
  group         tokens of one group may stop each other's sessions
  driver_email  a registered user's address

An empty cell leaves what is stored; - takes a stored expiry, group or driver away.
If a line is wrong, nothing of the file is applied. The same file again changes nothing."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a UTF-8 CSV file, or - for standard input")
        parser.add_argument(
            "--operator", metavar="CODE", help="the tokens count at this operator only"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        operator = None
        if options["operator"]:
            operator = Operator.objects.filter(code=options["operator"]).first()
            if operator is None:
                raise CommandError(f"There is no operator with the code {options['operator']}.")
        problems = Problems()
        try:
            result = import_tokens(
                read_file(options["file"]),
                actor=SystemActor("import"),
                problems=problems,
                operator=operator,
            )
        except NotReadable as error:
            raise CommandError(str(error)) from error
        if result is None:
            raise CommandError(problems.report())
        self.stdout.write(
            f"{result.created} tokens created, {result.updated} changed, "
            f"{result.unchanged} as they were."
        )
