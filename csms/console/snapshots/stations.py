import contextlib
import json
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from accounts.selectors.scope import Caller
from chargepoints.models import Command, Connector, Station
from chargepoints.selectors.quirks import profile_of
from csms.common.clock import now
from csms.common.errors import NotFound
from csms.common.masking import mask_value
from csms.console.audience import in_scope
from csms.console.snapshots.dashboard import delivered_wh, with_latest_reading
from ocpp_gateway.models import Message, StationConnection
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session

FRAMES_READ = 80
PAIRS_SHOWN = 40
COMMANDS_SHOWN = 12
PRETTY_LIMIT = 20_000


def visible(caller: Caller, station_id: int) -> Station:
    """The station; `NotFound` if it does not exist or belongs to another operator."""
    stations = in_scope(
        Station.objects.select_related("site__operator", "quirk_profile", "matched_profile"),
        caller,
        "site__operator",
    )
    station = stations.filter(pk=station_id).first()
    if station is None:
        raise NotFound
    return station


def read(caller: Caller, station_id: int) -> dict[str, Any]:
    """What the charger's page shows. Power W, energy Wh, latencies ms."""
    station = visible(caller, station_id)
    connection = StationConnection.objects.filter(station=station).first()
    return {
        "station": {
            "online": station.is_online,
            "archived": station.archived_at is not None,
            "status": station.status,
            "registration": station.registration_status,
            "version": station.ocpp_version,
            "quirk_profile": _quirk_profile(station),
            "vendor": station.vendor,
            "model": station.model,
            "serial_number": station.serial_number,
            "firmware_version": station.firmware_version,
            "last_seen_at": station.last_seen_at,
            "connected_at": station.connected_at,
            "booted_at": station.booted_at,
            "address": connection.remote_address if connection else "",
        },
        "connectors": _connectors(station),
        "commands": _commands(station),
        "frames": pair(Message.objects.filter(station=station).order_by("-at")[:FRAMES_READ]),
        "anomalies": [
            {"kind": a.kind, "detail": a.detail, "count": a.count, "at": a.last_at}
            for a in station.anomalies.order_by("-last_at")[:10]
        ],
    }


def _quirk_profile(station: Station) -> str:
    """The profile that counts for the charger, and why."""
    profile = profile_of(station)
    if profile is None:
        return ""
    why = _("chosen here") if station.quirk_profile_id else _("fits what it reports")
    return f"{profile.name} ({why})"


def _connectors(station: Station) -> list[dict[str, Any]]:
    moment = now()
    running = {
        session.connector_id: {
            "id": str(session.public_id),
            "number": session.pk,
            "transaction_id": session.ocpp_transaction_id or str(session.pk),
            "state": session.state,
            "id_token": session.id_token_value,
            "started_at": session.started_at,
            "energy_wh": delivered_wh(
                session.register_origin_wh, session.latest_energy_wh, session.energy_wh
            ),
            "power_w": session.latest_power_w,
            "soc": None if session.latest_soc is None else float(session.latest_soc),
        }
        for session in with_latest_reading(
            Session.objects.filter(station=station, state__in=OPEN_SESSION_STATES), moment
        )
    }
    plugs = Connector.objects.filter(evse__station=station).select_related("evse")
    return [
        {
            "id": plug.pk,
            "evse": plug.evse.evse_id,
            "connector": plug.connector_id,
            "code": plug.evse.public_code,
            "type": plug.type,
            "max_power_w": plug.max_power_w,
            "status": plug.status,
            "status_at": plug.status_at,
            "error": " ".join(
                text
                for text in (plug.error_code, plug.vendor_error_code, plug.status_info)
                if text and text != "NoError"
            ),
            "session": running.get(plug.pk),
        }
        for plug in plugs.order_by("evse__evse_id", "connector_id")
    ]


def _commands(station: Station) -> list[dict[str, Any]]:
    return [
        {
            "id": str(command.pk),
            "name": command.name,
            "parameters": pretty_value(command.parameters),
            "status": command.status,
            "by": command.actor_label,
            "reason": command.reason,
            "requested_at": command.requested_at,
            "sent_at": command.sent_at,
            "answered_at": command.answered_at,
            "latency_ms": command.latency_ms,
            "late": command.is_late,
            "response": pretty_value(command.response),
            "error": command.error,
        }
        for command in Command.objects.filter(station=station).order_by("-requested_at")[
            :COMMANDS_SHOWN
        ]
    ]


def pair(newest_first: Iterable[Message]) -> list[dict[str, Any]]:
    """Each CALL with its answer, newest first; an answer without its CALL stands alone.

    A CALL and its answer share message id and socket and go in opposite directions.
    """
    answers: dict[tuple[str, int, str], Message] = {}
    pairs: list[dict[str, Any]] = []
    for message in newest_first:
        key = (message.message_id, message.epoch, message.direction)
        if message.type in (Message.Type.CALLRESULT, Message.Type.CALLERROR):
            answers[key] = message
        elif message.type == Message.Type.CALL:
            answered_by = "OUT" if message.direction == "IN" else "IN"
            answer = answers.pop((message.message_id, message.epoch, answered_by), None)
            pairs.append({**_frame(message), "answer": _frame(answer) if answer else None})
        else:
            pairs.append({**_frame(message), "answer": None})
    pairs += [{**_frame(message), "answer": None} for message in answers.values()]
    pairs.sort(key=lambda frame: frame["at"], reverse=True)
    return pairs[:PAIRS_SHOWN]


def _frame(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.pk),
        "at": message.at,
        "direction": message.direction,
        "type": message.type,
        "action": message.action,
        "message_id": message.message_id,
        "latency_ms": message.latency_ms,
        "payload": pretty_text(message.payload),
    }


def pretty_text(text: str) -> str:
    """JSON set out on lines, cut at a limit; what is no JSON as it came."""
    # A malformed frame stays as it came: that is what a person looks for.
    with contextlib.suppress(ValueError, RecursionError):
        text = pretty_value(json.loads(text))
    return text if len(text) <= PRETTY_LIMIT else text[:PRETTY_LIMIT] + "\n…"


def pretty_value(value: Any) -> str:
    if value in (None, {}, []):
        return ""
    return json.dumps(mask_value(value), indent=2, ensure_ascii=False)
