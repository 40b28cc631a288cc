"""What a command does beyond its own row: when it is requested, when it is sent, when it ends.

The table is `csms/command_effects.py`, as apps above this one take part. A raw request (`ocpp`) has
no effects: it is for experiments, and what it changed is read back from the charger.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction

from chargepoints.models import Command
from chargepoints.services import anomalies
from csms.common import clock

logger = structlog.get_logger(__name__)
# What a charger's answer says, in words of no OCPP version.
Outcome = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effects:
    """requested: in the transaction that stores the command; a `DomainError` refuses it.
    completed: the parameters to send, with what only we know (an id, a list, a key).
    ended: in the transaction that ends the command, whatever its status; twice if a late answer
    settles what timed out.
    """

    requested: Callable[[Command], None] | None = None
    completed: Callable[[Command], dict[str, Any]] | None = None
    ended: Callable[[Command, Outcome], None] | None = None


_NONE = Effects()
_effects: dict[str, Effects] = {}


def register(name: str, effects: Effects) -> None:
    _effects[name] = effects


def request(command: Command) -> None:
    requested = _effects.get(command.name, _NONE).requested
    if requested is not None:
        requested(command)


def parameters_of(command: Command) -> dict[str, Any]:
    """The parameters that the command is sent with; raises `DomainError` if it has become void."""
    completed = _effects.get(command.name, _NONE).completed
    parameters: dict[str, Any] = command.parameters
    return parameters if completed is None else completed(command)


def end(command: Command, outcome: Outcome) -> None:
    """Apply the end of `command` in the caller's transaction.

    A charger's answer must be kept even if what follows from it cannot be written.
    """
    ended = _effects.get(command.name, _NONE).ended
    if ended is None:
        return
    try:
        with transaction.atomic():
            ended(command, outcome)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("outcome_not_applied", command=str(command.pk), name=command.name)
        anomalies.record(
            command.station_id, "outcome_not_applied", f"{command.name}: {error}", clock.now()
        )


def end_many(names: Iterable[tuple[UUID, str]]) -> None:
    """Apply the end of commands (id, name) that ended without an answer."""
    affected = [key for key, name in names if _effects.get(name, _NONE).ended is not None]
    if affected:
        for command in Command.objects.filter(pk__in=affected).order_by("pk"):
            end(command, {})
