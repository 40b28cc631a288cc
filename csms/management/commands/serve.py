from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`manage.py serve`: web, API and gateway in one process."""

    help = "Serve web, API and the OCPP gateway in one process until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--ssl-certfile",
            default=settings.TLS_CERTIFICATE_FILE,
            help="PEM: the server's certificate and what it is signed by. Ends TLS here.",
        )
        parser.add_argument(
            "--ssl-keyfile",
            default=settings.TLS_KEY_FILE,
            help="PEM: its key, if that is not in the same file.",
        )
        parser.add_argument(
            "--ssl-ca-certs",
            default=settings.TLS_CLIENT_CA_FILE,
            help=(
                "PEM: who signs the certificates of chargers with security profile 3, "
                "as `export_certificate_authority` writes it. Clients without one are let in too."
            ),
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        from csms import tls
        from csms.server import serve

        certificate, key = options["ssl_certfile"], options["ssl_keyfile"]
        authorities = options["ssl_ca_certs"]
        if not certificate and (key or authorities):
            raise CommandError("A key or client authorities without --ssl-certfile do nothing.")
        context = tls.server_context(certificate, key, authorities) if certificate else None
        scheme = "http" if context is None else "https"
        self.stdout.write(f"Serving on {scheme}://{options['host']}:{options['port']}")
        serve(options["host"], options["port"], context=context)
