from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.domain.breached_passwords import fingerprints, write


class Command(BaseCommand):
    help = (
        "Make the file for BREACHED_PASSWORDS_FILE from lists of leaked passwords: one password "
        "or SHA-1 (with :count or without) per line, as Have I Been Pwned publishes them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("lists", nargs="+", type=Path)
        parser.add_argument("--output", required=True, type=Path)
        parser.add_argument(
            "--minimum-count",
            type=int,
            default=1,
            help="leave out hashes that were seen less often",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = fingerprints(_lines(options["lists"]), minimum_count=options["minimum_count"])
            count = write(options["output"], found)
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} passwords in {options['output']}")


def _lines(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file
