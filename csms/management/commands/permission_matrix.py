"""`manage.py permission_matrix [--write]`"""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from csms.permission_matrix import as_markdown


class Command(BaseCommand):
    help = "Print who may do what in console and API, or write it to docs/permissions.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/permissions.md")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            (settings.BASE_DIR / "docs" / "permissions.md").write_text(as_markdown())
        else:
            self.stdout.write(as_markdown(), ending="")
