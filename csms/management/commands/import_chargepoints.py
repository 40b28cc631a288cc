"""`manage.py import_chargepoints FILE.csv`"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.reading import read_file
from csms.common.audit import SystemActor
from csms.common.csv_input import NotReadable, Problems
from csms.imports.chargepoint_rows import COLUMNS, REQUIRED_COLUMNS
from csms.imports.chargepoints import import_chargepoints


class Command(BaseCommand):
    help = f"""Make and change charge points from a CSV file.

Columns: {",".join(COLUMNS)}
Needed: {", ".join(REQUIRED_COLUMNS)}; the others may be absent or empty.
  identity          the OCPP identity, as it stands in the charger's address
  password          needed for a new station with security profile 1 or 2
  operator, site    by name (an operator also by its code); made if they are missing
  latitude, longitude  degrees with a point; needed for a new site
  ocpp_versions     one or more of 1.6, 2.0.1, 2.1, separated by | or ; or space (default 1.6)
  security_profile  0, 1, 2 or 3 (default 1)
  connectors        number of EVSEs with one connector each (default 1)
  connector_type    CCS2, CHAdeMO, Type2, Type1, GB/T-DC, GB/T-AC, NACS, Schuko
  max_power_kw      of each connector
  tariff            the name of a tariff of that operator; empty: none is assigned

An empty cell leaves what is stored; nothing is removed. If a line is wrong, nothing of the file
is applied. The same file again changes nothing."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a UTF-8 CSV file, or - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        problems = Problems()
        try:
            result = import_chargepoints(
                read_file(options["file"]),
                actor=SystemActor("import"),
                problems=problems,
                progress=self._progress if options["verbosity"] else lambda _text: None,
            )
        except NotReadable as error:
            raise CommandError(str(error)) from error
        if result is None:
            raise CommandError(problems.report())
        for note in result.notes:
            self._progress(note)
        self.stdout.write(
            f"{result.created} stations created, {result.updated} changed, "
            f"{result.unchanged} as they were; {result.sites_created} sites and "
            f"{result.operators_created} operators created."
        )

    def _progress(self, text: str) -> None:
        # Plain: the wrapper's style for errors would colour it red.
        self.stderr.write(text, style_func=str)
