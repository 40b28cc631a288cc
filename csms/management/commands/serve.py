from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`manage.py serve`: web, API and gateway in one process."""

    help = "Serve web, API and the OCPP gateway in one process until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *_args: Any, **options: Any) -> None:
        from csms.server import serve

        self.stdout.write(f"Serving on http://{options['host']}:{options['port']}")
        serve(options["host"], options["port"])
