"""From what the API or the console asks for to a queued command that the charger understands."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import ApiKey, User
from chargepoints.models import Command, Station
from chargepoints.selectors.quirks import quirks_of
from chargepoints.services import commands
from csms.common.errors import Conflict, FieldError, InvalidInput
from ocpp_gateway.versions import Adapter, adapter_for
from ocpp_gateway.versions.v16.outbound import RAW

LONGEST_KEY = 200


def adapter_of(station: Station, version: str = "") -> Adapter:
    """The version that is asked for, else what the station speaks now, else may speak."""
    spoken = [station.ocpp_version, *station.allowed_versions]
    for name in [version] if version else spoken:
        adapter = adapter_for(name) or adapter_for(f"ocpp{name}")
        if adapter is not None:
            return adapter
    raise Conflict(_("No OCPP version of this charger is spoken here."), code="version_not_spoken")


def request_command(
    caller: User | ApiKey,
    station: Station,
    name: str,
    parameters: Mapping[str, Any],
    *,
    idempotency_key: str | None = None,
    reason: str = "",
    expires_in_seconds: int | None = None,
) -> Command:
    """Queue the command if the charger's version has it with these parameters.

    Raises `InvalidInput` naming the parameters that are wrong, before anything is stored.
    """
    adapter_of(station).build(name, parameters, quirks_of(station))
    return commands.request(
        station,
        name,
        dict(parameters),
        actor=caller,
        idempotency_key=_bound_key(caller, idempotency_key),
        reason=reason,
        expires_in_seconds=expires_in_seconds,
    )


def request_raw(
    caller: User | ApiKey, station: Station, action: str, payload: dict[str, Any], **envelope: Any
) -> Command:
    """Queue a request of the charger's own OCPP version."""
    return request_command(caller, station, RAW, {"action": action, "payload": payload}, **envelope)


def _bound_key(caller: User | ApiKey, key: str | None) -> str | None:
    """Two callers may have the same name: the key counts for one of them only."""
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        text = _("An Idempotency-Key has 1 to %(limit)d printable characters.") % {
            "limit": LONGEST_KEY
        }
        raise InvalidInput(text, errors=[FieldError("Idempotency-Key", "invalid", text)])
    kind = "key" if isinstance(caller, ApiKey) else "user"
    return f"{kind}:{caller.pk}:{key}"
