"""`manage.py second_factor EMAIL`: after `createsuperuser`, or when a phone was lost."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.second_factor import print_second_factor
from accounts.models import User
from accounts.services.staff import renew_totp
from csms.common.audit import SystemActor


class Command(BaseCommand):
    help = (
        "Give a member of staff a new authenticator and new backup codes, printed once; "
        "the old ones stop working."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower()).first()
        if user is None or not user.is_staff:
            raise CommandError(f"No member of staff has the address {options['email']}.")
        uri = renew_totp(user, actor=SystemActor("command line"))
        print_second_factor(user, uri, self.stdout)
