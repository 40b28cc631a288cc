"""Commands, frames and connections as the API shows them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from chargepoints.domain.states import SETTLED_COMMAND_STATUSES
from chargepoints.models import Command
from csms.common.masking import mask_value
from ocpp_gateway.models import Message, StationConnection

ANSWER_TYPES = (Message.Type.CALLRESULT, Message.Type.CALLERROR)
# A charger answers within the call time-out or late; much later is another story.
ANSWERED_WITHIN = timedelta(hours=1)


def command(row: Command) -> dict[str, Any]:
    """Secrets that were sent (AuthorizationKey, certificates' keys) are not shown again."""
    return {
        "id": row.pk,
        "identity": row.station.identity,
        "command": row.name,
        "parameters": mask_value(row.parameters),
        "status": row.status,
        "is_final": row.status in SETTLED_COMMAND_STATUSES,
        "requested_at": row.requested_at,
        "requested_by": row.actor_label,
        "reason": row.reason,
        "expires_at": row.expires_at,
        "sent_at": row.sent_at,
        "answered_at": row.answered_at,
        "latency_ms": row.latency_ms,
        "is_late": row.is_late,
        "action": row.action,
        "message_id": row.message_id,
        "request": mask_value(row.request),
        "response": mask_value(row.response),
        "error": row.error,
    }


def connection(row: StationConnection) -> dict[str, Any]:
    return {
        "identity": row.station.identity,
        "version": row.version,
        "since": row.connected_at,
        "last_message_at": row.station.last_seen_at,
        "in_flight": getattr(row, "in_flight", None),
        "remote_address": row.remote_address,
        "epoch": row.epoch,
        "node": None
        if row.node is None
        else {"id": row.node.pk, "host": row.node.host, "process_id": row.node.process_id},
    }


def messages(rows: Iterable[Message]) -> list[dict[str, Any]]:
    """Frames, every CALL with its answer; one more query for all of them."""
    frames = list(rows)
    answers = _answers_to([row for row in frames if row.type == Message.Type.CALL])
    return [{**_frame(row), "answer": answers.get(row.pk)} for row in frames]


def flat_message(row: Message) -> dict[str, Any]:
    """For a spreadsheet."""
    return _frame(row)


def _frame(row: Message) -> dict[str, Any]:
    return {
        "id": row.pk,
        "at": row.at,
        "direction": row.direction,
        "type": row.type,
        "action": row.action,
        "message_id": row.message_id,
        "epoch": row.epoch,
        "frame": row.payload,
        "latency_ms": row.latency_ms,
    }


def _answers_to(calls: list[Message]) -> dict[Any, dict[str, Any]]:
    if not calls:
        return {}
    moments = [call.at for call in calls]
    candidates = Message.objects.filter(
        station_id=calls[0].station_id,
        type__in=ANSWER_TYPES,
        message_id__in={call.message_id for call in calls},
        at__gte=min(moments),
        at__lte=max(moments) + ANSWERED_WITHIN,
    ).order_by("at")
    by_call: dict[tuple[int, str, str], list[Message]] = {}
    for answer in candidates:
        by_call.setdefault((answer.epoch, answer.message_id, answer.direction), []).append(answer)
    found = {}
    for call in calls:
        other = "OUT" if call.direction == "IN" else "IN"
        answers = by_call.get((call.epoch, call.message_id, other), ())
        # Chargers use message ids again: the first answer after the call is the call's.
        first = next((answer for answer in answers if answer.at >= call.at), None)
        if first is not None:
            found[call.pk] = {
                "at": first.at,
                "type": first.type,
                "frame": first.payload,
                "latency_ms": first.latency_ms,
            }
    return found
