"""`manage.py export_certificate_authority`: what a TLS server must trust to let chargers in."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chargepoints.services import authority
from csms.common import clock


class Command(BaseCommand):
    help = (
        "Write the certificates (PEM, no keys) of the local authority that signs chargers' "
        "certificates, those of replaced ones included until they expire. Makes the authority if "
        "there is none. For --ssl-ca-certs of `serve`, and for nginx' ssl_client_certificate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", default="", help="A file instead of standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        pem = authority.trusted(clock.now())
        if not options["output"]:
            self.stdout.write(pem, ending="")
            return
        path = Path(options["output"])
        # A server may read it at this moment: it sees the old file or the new one.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.write_text(pem)
            draft.replace(path)
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error.strerror}.") from error
