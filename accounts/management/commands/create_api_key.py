"""`manage.py create_api_key NAME --scope …`"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.domain.states import Scope
from accounts.models import Operator
from accounts.services.keys import create_api_key
from csms.common import clock
from csms.common.errors import DomainError

DEFAULT_SCOPES = (Scope.READ, Scope.GATEWAY)


class Command(BaseCommand):
    help = """Make an API key and print it: once, alone on the last line of standard output.

Send it in the header X-Api-Key. Only a hash is kept: a key that is lost is replaced by a new one.

Scopes (--scope may be given several times; without it: read and gateway):
  read     read stations, connectors, sessions and connections
  gateway  report for stations as an external OCPP gateway does: connection, heartbeat, status,
           boot; check whether an identity may connect and whether a frame is valid
  operate  act on chargers: commands (start, stop, reset, unlock, …), raw OCPP requests, the
           message archive. Give it only to systems that may switch chargers."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who uses the key; shown in the audit trail")
        parser.add_argument(
            "--scope",
            dest="scopes",
            action="append",
            choices=[scope.value for scope in Scope],
            help="what the key opens (see above)",
        )
        parser.add_argument(
            "--operator", metavar="CODE", help="only this operator's rows; without it: all"
        )
        parser.add_argument(
            "--expires-in-days", type=int, metavar="N", help="without it the key does not expire"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        operator = None
        if options["operator"]:
            operator = Operator.objects.filter(code=options["operator"]).first()
            if operator is None:
                raise CommandError(f"There is no operator with the code {options['operator']}.")
        days = options["expires_in_days"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError("--expires-in-days is between 1 and 3650.")
        try:
            key, raw = create_api_key(
                options["name"],
                options["scopes"] or [scope.value for scope in DEFAULT_SCOPES],
                operator,
                clock.now() + timedelta(days=days) if days else None,
            )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stderr.write(
            f"Key {key.prefix} for {key.name}: {', '.join(key.scopes)}; "
            f"{operator or 'every operator'}; "
            f"{f'expires {key.expires_at:%Y-%m-%d}' if key.expires_at else 'does not expire'}. "
            "It is shown this once:"
        )
        self.stdout.write(raw)
