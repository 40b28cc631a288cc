"""The authorization list that a charger keeps for when it is offline.

Each command `send_local_list` carries the next part of the difference between the tokens that may
charge here and those that the charger has confirmed; once it is accepted the part after it is
queued, until nothing differs. If the charger's list is in doubt, it starts again with a whole one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max, Q
from django.db.models.functions import Length
from django.utils.translation import gettext as _

from accounts.models import IdToken
from accounts.services.authorization import status_of
from chargepoints.domain.moments import read_moment
from chargepoints.domain.states import CommandStatus
from chargepoints.locks import lock_local_list
from chargepoints.models import Command, LocalList, LocalListEntry, LocalListUpdate
from chargepoints.services import anomalies, commands, configuration
from chargepoints.services.effects import Effects, Outcome
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import FieldError, InvalidInput

ACTOR = SystemActor("local_list")
SEND = "send_local_list"
# Chargers that do not say how many entries one message may have take this many.
DEFAULT_PART = 100
# An idTag of OCPP 1.6 has 20 characters; a longer token cannot be presented there.
LONGEST_1_6 = 20
# One entry: token, status, expires_at and group; without a status it is to be removed.
Entry = dict[str, Any]


def _request(command: Command) -> None:
    unknown = set(command.parameters) - {"update_type"}
    if unknown:
        detail = _("This command has no such parameter.")
        raise InvalidInput(
            detail, errors=[FieldError(name, "unknown", detail) for name in sorted(unknown)]
        )


def _complete(command: Command) -> dict[str, Any]:
    now = clock.now()
    local_list = lock_local_list(command.station_id)
    asked = str(command.parameters.get("update_type") or "").lower()
    is_full = asked == "full" or local_list.needs_full
    known = {} if is_full else {entry["token"]: entry for entry in _confirmed(local_list)}
    changes = _difference(_wanted(command, now), known)
    size = configuration.whole_number_of(command.station_id, "SendLocalListMaxLength")
    part = changes[: size or DEFAULT_PART]
    update = LocalListUpdate.objects.create(
        local_list=local_list,
        command=command,
        version=_next_version(local_list),
        is_full=is_full,
        is_last=len(part) == len(changes),
        entries=part,
        sent_at=now,
    )
    return {
        "update_type": "Full" if is_full else "Differential",
        "version": update.version,
        "entries": part,
    }


def _wanted(command: Command, now: datetime) -> dict[str, Entry]:
    """Every token of the station's operator, and those that all operators accept.

    Not the app's: nobody holds one to a reader, so a charger that is offline has no use for them,
    and no charger should know those of all drivers.
    """
    station = command.station
    tokens = IdToken.objects.filter(
        Q(operator__isnull=True) | Q(operator_id=station.site.operator_id)
    ).exclude(type=IdToken.Type.APP)
    if not station.ocpp_version.startswith("ocpp2"):
        tokens = tokens.alias(length=Length("token")).filter(length__lte=LONGEST_1_6)
    capacity = configuration.whole_number_of(station.pk, "LocalAuthListMaxLength")
    newest = tokens.select_related("user").order_by("-pk")[:capacity]
    return {
        token.token: {
            "token": token.token,
            "status": str(status_of(token, now)),
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
            "group": token.group,
        }
        for token in newest
    }


def _confirmed(local_list: LocalList) -> Iterable[Entry]:
    for entry in LocalListEntry.objects.filter(local_list=local_list):
        yield {
            "token": entry.token,
            "status": entry.status,
            "expires_at": entry.expires_at.isoformat() if entry.expires_at else None,
            "group": entry.group,
        }


def _difference(wanted: Mapping[str, Entry], known: Mapping[str, Entry]) -> list[Entry]:
    """Removals first: they make room in a charger whose list is full."""
    removed = [{"token": token} for token in sorted(known) if token not in wanted]
    changed = [wanted[token] for token in sorted(wanted) if known.get(token) != wanted[token]]
    return removed + changed


def _next_version(local_list: LocalList) -> int:
    sent = local_list.updates.aggregate(highest=Max("version"))["highest"] or 0
    return int(max(sent, local_list.version, local_list.reported_version or 0)) + 1


def _end(command: Command, outcome: Outcome) -> None:
    update = LocalListUpdate.objects.filter(command=command).first()
    if update is None:
        return  # It never went out.
    local_list = lock_local_list(command.station_id)
    if command.status == CommandStatus.ACCEPTED:
        _apply(local_list, update, command.answered_at or clock.now())
        if not update.is_last:
            _send_next(command, {})
        return
    local_list.needs_full = True
    local_list.is_in_step = False
    local_list.save(update_fields=["needs_full", "is_in_step"])
    if command.status == CommandStatus.REJECTED:
        _refused(command, update, str(outcome.get("status", "")))


def _refused(command: Command, update: LocalListUpdate, why: str) -> None:
    """Repair what the charger does not take with a whole list; if that fails too, say so."""
    if not update.is_full and why in ("VersionMismatch", "Failed"):
        _send_next(command, {"update_type": "Full"})
        return
    detail = f"{why or command.error}: version {update.version}"
    anomalies.record(command.station_id, "local_list_refused", detail, clock.now())


def _send_next(command: Command, parameters: dict[str, Any]) -> None:
    commands.request(command.station, SEND, parameters, actor=ACTOR, reason=f"Follows {command.pk}")


def _apply(local_list: LocalList, update: LocalListUpdate, at: datetime) -> None:
    """Make the confirmed list what the charger now holds."""
    if update.version < local_list.version:
        return  # A late answer to an update that a newer one has overtaken.
    entries = LocalListEntry.objects.filter(local_list=local_list)
    if update.is_full:
        entries.delete()
    else:
        entries.filter(token__in=[entry["token"] for entry in update.entries]).delete()
    LocalListEntry.objects.bulk_create(
        LocalListEntry(
            local_list=local_list,
            token=entry["token"],
            status=entry["status"],
            expires_at=read_moment(entry["expires_at"]),
            group=entry["group"],
        )
        for entry in update.entries
        if "status" in entry
    )
    local_list.version = update.version
    local_list.needs_full = False
    local_list.is_in_step = update.is_last
    local_list.confirmed_at = at
    local_list.save(update_fields=["version", "needs_full", "is_in_step", "confirmed_at"])


def _end_version(command: Command, outcome: Outcome) -> None:
    version = outcome.get("version")
    if command.status != CommandStatus.ACCEPTED or not isinstance(version, int):
        return
    local_list = lock_local_list(command.station_id)
    local_list.reported_version = max(-1, min(version, 2**31 - 1))
    if version != local_list.version:
        local_list.needs_full = True
        local_list.is_in_step = False
        if local_list.version:
            detail = f"The charger has version {version}, not {local_list.version}."
            anomalies.record(command.station_id, "local_list_version", detail, clock.now())
    local_list.save(update_fields=["reported_version", "needs_full", "is_in_step"])


SEND_LIST = Effects(requested=_request, completed=_complete, ended=_end)
GET_VERSION = Effects(ended=_end_version)
