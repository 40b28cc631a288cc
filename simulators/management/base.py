from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class SimulatorCommand(BaseCommand):
    """A command that makes up chargers or rows, and so refuses to run in production."""

    def execute(self, *args: Any, **options: Any) -> Any:
        if settings.CSMS_ENVIRONMENT not in ("local", "test"):
            raise CommandError("The simulators do not run in production.")
        return super().execute(*args, **options)
