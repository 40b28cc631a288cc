"""The database side of the outbox: what goes out next, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction

from chargepoints.domain.quirks import Quirks
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from chargepoints.services import commands, effects
from csms.common.audit import SystemActor
from csms.common.errors import DomainError
from csms.common.identifiers import uuid7
from csms.common.masking import mask_value
from ocpp_gateway.protocol import frames
from ocpp_gateway.services import leases
from ocpp_gateway.versions import Adapter

logger = structlog.get_logger(__name__)
GATEWAY = SystemActor("gateway")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A command that is stored as sent and now has to go out. `action` empty: it ended instead."""

    command: Command
    message_id: str
    action: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the charger said to a request of ours. `error_code` is None for a CALLRESULT."""

    station_id: int
    message_id: str
    payload: Any
    at: datetime
    error_code: str | None = None
    description: str = ""


@transaction.atomic
def prepare(
    station_id: int, epoch: int, adapter: Adapter, quirks: Quirks | None = None
) -> Outgoing | None:
    """Claim the station's next command and store its message id, before anything is sent.

    None if there is nothing to send, or the caller no longer owns the station's socket.
    """
    if not leases.lock_if_held(station_id, epoch):
        return None
    command = commands.claim_next(station_id, epoch=epoch)
    if command is None:
        return None
    try:
        with transaction.atomic():
            request = adapter.build(command.name, effects.parameters_of(command), quirks)
        message_id = str(uuid7())
        # What cannot be written as JSON must be known before the row says that it was sent.
        frames.dump_call(message_id, request.action, request.payload)
    except DomainError as error:
        return _not_sent(command, error.detail)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # Whatever is wrong with it, it must not keep up the commands behind it.
        logger.exception("command_not_built", command=str(command.pk), name=command.name)
        return _not_sent(command, f"Not built: {error!r}")
    commands.mark_sent(
        command,
        action=request.action,
        message_id=message_id,
        request=mask_value(request.payload),
        epoch=epoch,
    )
    return Outgoing(command, message_id, request.action, request.payload)


def _not_sent(command: Command, error: str) -> Outgoing:
    commands.fail(command.pk, error)
    return Outgoing(command, "", "", {})


def settle(answer: Answer, adapter: Adapter) -> None:
    """Store an answer with its command, also a late one; an answer to nothing is only logged."""
    command = Command.objects.filter(
        station_id=answer.station_id, message_id=answer.message_id
    ).first()
    if command is None or not answer.message_id:
        logger.warning(
            "unsolicited_answer", station_id=answer.station_id, message_id=answer.message_id
        )
        return
    response = mask_value(answer.payload)
    outcome: dict[str, Any] = {}
    if answer.error_code is None:
        status, error = adapter.interpret(command.action, answer.payload)
        # What breaks its schema is kept with the command, and says nothing.
        if status is not CommandStatus.FAILED:
            try:
                outcome = adapter.outcome(command.action, command.request, response, answer.at)
            except Exception as reason:
                # An answer that nobody can read must not keep up the commands behind it.
                logger.exception("outcome_not_read", command=str(command.pk), action=command.action)
                status, error = CommandStatus.FAILED, f"answered, invalid: {reason!r}"
    else:
        status, error = adapter.interpret_error(answer.error_code, answer.description)
    commands.settle(
        command.pk,
        status=status,
        response=response,
        error=error,
        at=answer.at,
        outcome=outcome,
    )


def time_out(station_id: int, message_id: str, at: datetime) -> None:
    for command in Command.objects.filter(station_id=station_id, message_id=message_id):
        commands.time_out(command.pk, at)


def ask_for_boot(station_id: int) -> None:
    """Queue a request for the BootNotification that a charger has not sent."""
    commands.request(
        Station.objects.get(pk=station_id),
        "trigger",
        {"message": "BootNotification"},
        actor=GATEWAY,
        reason="No boot on this connection",
    )
