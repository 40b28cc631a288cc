"""The outbox of commands to chargers: the row is the truth, everything else only hurries it along.

A command moves only through `COMMAND_TRANSITIONS`. What moves energy is never sent twice: after a
time-out the outcome is unknown, and only the charger's late answer settles it.
"""

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from chargepoints.domain.states import COMMAND_TRANSITIONS, CommandStatus
from chargepoints.domain.text import fit, storable_json
from chargepoints.events import CommandRequested, CommandSettled
from chargepoints.locks import lock_command
from chargepoints.models import Command, Station
from chargepoints.services import effects
from chargepoints.services.effects import Outcome
from csms.common import audit, clock, rows
from csms.common.audit import Actor
from csms.common.errors import Conflict, IdempotencyMismatch, InvalidInput
from csms.common.events import publish
from csms.common.masking import mask_value
from csms.common.transitions import IllegalTransition

ERROR_LENGTH = 1000
LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600
# A command that is still SENT after this many call time-outs belongs to a process that is gone.
_STALE_TIMEOUTS = 2
_SWEEP_SIZE = 1000


def request(
    station: Station,
    name: str,
    parameters: dict[str, Any],
    *,
    actor: Actor,
    idempotency_key: str | None = None,
    reason: str = "",
    expires_in_seconds: int | None = None,
) -> Command:
    """Queue a command; it goes out when the station is online, or expires.

    The same actor and key with the same station, name and parameters give the same row;
    `IdempotencyMismatch` with others. `Conflict` if the station is archived.
    """
    expiry = _checked_expiry(expires_in_seconds)
    key = _checked_key(idempotency_key)
    label = actor.audit_label[:200]
    content = storable_json(json.loads(json.dumps(parameters, cls=DjangoJSONEncoder)))
    if key is not None and (known := _find(label, key)) is not None:
        return _same_or_mismatch(known, station, name, content)
    if station.archived_at is not None:
        raise Conflict(_("The station is archived."), code="station_archived")
    now = clock.now()
    try:
        with transaction.atomic():
            command = Command.objects.create(
                station=station,
                name=name,
                parameters=content,
                actor_id=actor.audit_user_id,
                actor_label=label,
                reason=reason[:500],
                idempotency_key=key,
                requested_at=now,
                expires_at=now + expiry,
            )
            audit.record(
                actor,
                "command.request",
                command,
                reason=reason,
                changes={
                    "station": station.identity,
                    "name": name,
                    "parameters": mask_value(content),
                },
            )
            effects.request(command)
            publish(CommandRequested(station.pk))
    except IntegrityError:
        # The same key at the same moment: the other one won.
        if key is None or (known := _find(label, key)) is None:
            raise
        return _same_or_mismatch(known, station, name, content)
    return command


def _checked_expiry(seconds: int | None) -> timedelta:
    value = settings.COMMAND_EXPIRY_SECONDS if seconds is None else seconds
    if not 1 <= value <= LONGEST_EXPIRY_SECONDS:
        raise InvalidInput(f"A command expires after 1 to {LONGEST_EXPIRY_SECONDS} seconds.")
    return timedelta(seconds=value)


def _checked_key(key: str | None) -> str | None:
    if not key:
        return None
    if len(key) > 255 or not key.isprintable():
        raise InvalidInput("An Idempotency-Key has at most 255 printable characters.")
    return key


def _find(actor_label: str, key: str) -> Command | None:
    return Command.objects.filter(actor_label=actor_label, idempotency_key=key).first()


def _same_or_mismatch(
    known: Command, station: Station, name: str, content: dict[str, Any]
) -> Command:
    # Only as long as it waits does the row hold the secrets that it is to bring to the charger.
    given = content if known.status == CommandStatus.QUEUED else mask_value(content)
    if (known.station_id, known.name, known.parameters) != (station.pk, name, given):
        raise IdempotencyMismatch
    return known


def claim_next(station_id: int, *, epoch: int) -> Command | None:
    """Lock the station's oldest queued command until the caller's transaction ends.

    Must run in the transaction in which `mark_sent` stores that it goes out. None while another
    command is in flight on the connection `epoch`, or while another claimer holds the oldest one.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("claim_next needs a transaction")
    now = clock.now()
    waiting = Q(status=CommandStatus.QUEUED, expires_at__gt=now)
    in_flight = Q(status=CommandStatus.SENT, sent_epoch=epoch)
    open_commands = list(
        Command.objects.filter(waiting | in_flight, station_id=station_id)
        .order_by("-status", "requested_at", "id")
        .values_list("status", "pk")[:1]
    )
    # Descending by status: SENT comes before QUEUED.
    if not open_commands or open_commands[0][0] == CommandStatus.SENT:
        return None
    return (
        Command.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("station")
        .filter(waiting, pk=open_commands[0][1])
        .first()
    )


def mark_sent(
    command: Command, *, action: str, message_id: str, request: dict[str, Any], epoch: int
) -> None:
    """Store that the command goes out now, before it does, and forget the secrets in it.

    `IllegalTransition` if it is no longer queued, `Conflict` if another is in flight on `epoch`.
    """
    values = {
        "status": CommandStatus.SENT.value,
        "action": action,
        "message_id": message_id,
        "parameters": mask_value(command.parameters),
        "request": storable_json(request),
        "sent_epoch": epoch,
        "sent_at": clock.now(),
    }
    try:
        with transaction.atomic():
            sources = COMMAND_TRANSITIONS.sources_of(CommandStatus.SENT)
            if not Command.objects.filter(pk=command.pk, status__in=sources).update(**values):
                raise IllegalTransition(f"Command {command.pk} is no longer queued.")
    except IntegrityError as error:
        raise Conflict("Another command is in flight to this station.") from error
    for name, value in values.items():
        setattr(command, name, value)


@transaction.atomic
def settle(
    command_id: UUID,
    *,
    status: CommandStatus,
    response: Any,
    error: str = "",
    at: datetime,
    outcome: Outcome | None = None,
) -> Command | None:
    """Store the charger's answer, also a late one. None, and no change, in any other state.

    `outcome` is what the answer says in neutral words, for the command's effects.
    """
    command = lock_command(command_id)
    current = CommandStatus(command.status)
    answerable = (CommandStatus.SENT, CommandStatus.TIMED_OUT)
    if current not in answerable or not COMMAND_TRANSITIONS.allows(current, status):
        return None
    command.status = status.value
    command.response = storable_json(response)
    command.error = fit(error, ERROR_LENGTH)
    command.answered_at = at
    command.is_late = current == CommandStatus.TIMED_OUT
    command.save(update_fields=["status", "response", "error", "answered_at", "is_late"])
    effects.end(command, outcome or {})
    publish(CommandSettled(command.pk))
    return command


def fail(command_id: UUID, error: str) -> Command | None:
    """End a command that cannot be sent or whose answer cannot come. None if it has ended."""
    return _end(command_id, CommandStatus.FAILED, error)


def time_out(command_id: UUID, at: datetime) -> Command | None:
    """No answer came until `at`: the outcome is unknown. None if it was answered or has ended."""
    return _end(command_id, CommandStatus.TIMED_OUT, f"No answer until {at.isoformat()}.")


def cancel(command_id: UUID, *, actor: Actor, reason: str = "") -> Command | None:
    """Take a command back that was not sent yet. None if it was."""
    with transaction.atomic():
        command = _end(command_id, CommandStatus.CANCELLED, "")
        if command is not None:
            audit.record(actor, "command.cancel", command, reason=reason)
        return command


@transaction.atomic
def _end(command_id: UUID, status: CommandStatus, error: str) -> Command | None:
    command = lock_command(command_id)
    if not COMMAND_TRANSITIONS.allows(CommandStatus(command.status), status):
        return None
    command.status = status.value
    command.error = fit(error, ERROR_LENGTH)
    command.parameters = mask_value(command.parameters)
    command.save(update_fields=["status", "error", "parameters"])
    effects.end(command, {})
    publish(CommandSettled(command.pk))
    return command


def cancel_queued(station_id: int, error: str) -> int:
    waiting = Q(station_id=station_id, status=CommandStatus.QUEUED)
    return _end_where(waiting, CommandStatus.CANCELLED, error)


def expire_due(now: datetime) -> int:
    """End what was not sent in time, and what a process that is gone left in flight."""
    due = Q(status=CommandStatus.QUEUED, expires_at__lte=now)
    grace = timedelta(seconds=settings.OCPP_CALL_TIMEOUT_SECONDS * _STALE_TIMEOUTS)
    stale = Q(status=CommandStatus.SENT, sent_at__lte=now - grace)
    return _end_where(due, CommandStatus.EXPIRED, "The station was not reached in time.") + (
        _end_where(stale, CommandStatus.TIMED_OUT, "No answer was recorded.")
    )


@transaction.atomic
def _end_where(condition: Q, status: CommandStatus, error: str) -> int:
    found = list(
        Command.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(condition)
        .order_by("pk")
        .values_list("pk", "name", "parameters")[:_SWEEP_SIZE]
    )
    keys = [key for key, _name, _parameters in found]
    sources = COMMAND_TRANSITIONS.sources_of(status)
    ended = Command.objects.filter(pk__in=keys, status__in=sources).update(
        status=status.value, error=fit(error, ERROR_LENGTH)
    )
    for key, _name, parameters in found:
        if (masked := mask_value(parameters)) != parameters:
            Command.objects.filter(pk=key).update(parameters=masked)
    effects.end_many((key, name) for key, name, _parameters in found)
    _publish_settled(keys)
    return ended


def _publish_settled(keys: Iterable[UUID]) -> None:
    for key in keys:
        publish(CommandSettled(key))


# Written out, because every connection asks it and building it costs more than running it.
_IN_FLIGHT = f"""
SELECT id FROM chargepoints_command
WHERE station_id = %s AND status = '{CommandStatus.SENT.value}' AND sent_epoch < %s
"""  # noqa: S608


def in_flight(station_id: int, epoch_below: int) -> list[UUID]:
    """The commands that were sent on older connections of the station and are not answered."""
    found = rows.fetch_all(_IN_FLIGHT, [station_id, epoch_below])
    return [rows.values(Command, ("id",), row)[0] for row in found]


# It says the condition of the index of open commands once more: SQLite knows it by the words only.
_QUEUED = f"""
SELECT DISTINCT station_id FROM chargepoints_command
WHERE status = '{CommandStatus.QUEUED.value}' AND expires_at > %s
    AND status IN ('{CommandStatus.QUEUED.value}', '{CommandStatus.SENT.value}')
"""  # noqa: S608


def queued_stations(station_ids: Collection[int] | None = None) -> set[int]:
    """Those of the stations, or of all there are, that have a command waiting.

    To name 10,000 stations costs more than to read whose commands wait.
    """
    if station_ids is None:
        found = rows.fetch_all(_QUEUED, [rows.moment(clock.now())])
        return {station_id for (station_id,) in found}
    return set(
        Command.objects.filter(
            station_id__in=station_ids, status=CommandStatus.QUEUED, expires_at__gt=clock.now()
        )
        .order_by()
        .values_list("station_id", flat=True)
        .distinct()
    )
