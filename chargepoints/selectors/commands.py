"""Commands to chargers, as far as the caller may see them."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.selectors.scope import Caller, within_scope
from chargepoints.models import Command
from csms.common.errors import NotFound


def visible_to(caller: Caller) -> QuerySet[Command]:
    return Command.objects.filter(within_scope(caller, "station__site__operator")).select_related(
        "station"
    )


def find(caller: Caller, command_id: UUID) -> Command:
    """The command with its station; `NotFound` also where the caller may not see it."""
    command = visible_to(caller).filter(pk=command_id).first()
    if command is None:
        raise NotFound
    return command


def status_of(command_id: UUID) -> str:
    """The command's status now."""
    return str(Command.objects.values_list("status", flat=True).get(pk=command_id))
