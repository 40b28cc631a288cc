"""Version-neutral commands as OCPP 1.6 requests, and what a charger's answer to one means."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from chargepoints.domain.quirks import Quirks
from chargepoints.domain.states import CommandStatus
from csms.common.errors import FieldError, InvalidInput
from ocpp_gateway.protocol import validation
from ocpp_gateway.protocol.rules import judge_response
from ocpp_gateway.versions.inputs import Outgoing
from ocpp_gateway.versions.v16 import quirks as quirk_rules
from ocpp_gateway.versions.v16.parameters import Request, Wrong
from ocpp_gateway.versions.v16.requests import REQUESTS, request_for

VERSION: Final = "1.6"
# Every request of 1.6 and its security whitepaper that goes to a charger.
ACTIONS: Final = frozenset(
    {
        "CancelReservation",
        "CertificateSigned",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "ClearChargingProfile",
        "DataTransfer",
        "DeleteCertificate",
        "ExtendedTriggerMessage",
        "GetCompositeSchedule",
        "GetConfiguration",
        "GetDiagnostics",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetLog",
        "InstallCertificate",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "ReserveNow",
        "Reset",
        "SendLocalList",
        "SetChargingProfile",
        "SignedUpdateFirmware",
        "TriggerMessage",
        "UnlockConnector",
        "UpdateFirmware",
    }
)
# A second one could start, stop or change a charge that somebody no longer expects.
_MOVES_ENERGY: Final = frozenset(
    {
        "ChangeAvailability",
        "ClearChargingProfile",
        "DataTransfer",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "ReserveNow",
        "Reset",
        "SetChargingProfile",
        "UnlockConnector",
    }
)
_POSITIVE: Final = frozenset(
    {"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"}
)
_REFUSING_CODES: Final = frozenset({"NotImplemented", "NotSupported"})


# What the writer of frames takes: a signed or an unsigned number of 64 bits.
_LOWEST_NUMBER: Final = -(2**63)
_HIGHEST_NUMBER: Final = 2**64 - 1
RAW: Final = "ocpp"
COMMANDS: Final = frozenset({*REQUESTS, RAW})


def build(name: str, parameters: Mapping[str, Any], quirks: Quirks | None = None) -> Outgoing:
    """Return the 1.6 request for a neutral command, or for a raw one (`ocpp`: action, payload).

    Raise `InvalidInput` with one FieldError for each wrong parameter. Where `evse_id` is given it
    is the 1.6 connector: an EVSE has one connector there. A raw request knows no `quirks`.
    """
    if name == RAW:
        return _build_raw(parameters)
    command = request_for(name, parameters)
    if command is None:
        raise _invalid([FieldError("command", "unsupported", _("OCPP 1.6 has no such command."))])
    values, errors = _flat_connector(parameters, command)
    if quirks is not None:
        values, refused = quirk_rules.fit_request(name, values, quirks)
        errors += refused
    payload, wrong = _read_fields(command, values)
    errors += wrong
    if not errors:
        payload = command.shape(payload)
        names = {field.wire: parameter for parameter, field in command.fields.items()}
        errors = _schema_errors(command.action, payload, names)
        if quirks is not None:
            errors = [error for error in errors if not quirk_rules.is_taken(name, error)]
    if errors:
        raise _invalid(errors)
    return Outgoing(command.action, payload)


def _invalid(errors: list[FieldError]) -> InvalidInput:
    return InvalidInput(
        "; ".join(f"{error.field}: {error.detail}" for error in errors), errors=errors
    )


def _flat_connector(
    parameters: Mapping[str, Any], command: Request
) -> tuple[dict[str, Any], list[FieldError]]:
    values = {name: value for name, value in parameters.items() if value is not None}
    if "connector_id" not in command.fields or "evse_id" not in values:
        return values, []
    evse_id = values.pop("evse_id")
    connector_id = values.get("connector_id", 1)
    values["connector_id"] = evse_id
    if connector_id not in (0, 1) and connector_id != evse_id:
        return values, [
            FieldError("connector_id", "invalid", _("In OCPP 1.6 an EVSE has one connector."))
        ]
    return values, []


def _read_fields(
    command: Request, values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[FieldError]]:
    payload = dict(command.defaults)
    errors = [
        FieldError(name, "unknown", _("This command has no such parameter."))
        for name in values
        if name not in command.fields
    ]
    for name, field in command.fields.items():
        if name not in values:
            if field.required:
                errors.append(FieldError(name, "required", _("This parameter is required.")))
            continue
        try:
            payload[field.wire] = field.read(values[name])
        except Wrong as wrong:
            errors.append(FieldError(name, wrong.code, wrong.detail))
    return payload, errors


def _schema_errors(
    action: str, payload: dict[str, Any], names: Mapping[str, str], prefix: str = ""
) -> list[FieldError]:
    errors = []
    for violation in validation.violations(VERSION, action, payload):
        path = tuple(
            names.get(part, part) if isinstance(part, str) else part for part in violation.path
        )
        name = ".".join(part for part in (prefix, validation.field_name(path)) if part)
        errors.append(FieldError(name, _error_code(violation.keyword), violation.message[:300]))
    return errors or _number_errors(payload, names, prefix)


def _number_errors(value: Any, names: Mapping[str, str], name: str) -> list[FieldError]:
    """Name the integers that the schema allows and no frame can hold."""
    if isinstance(value, int):
        if _LOWEST_NUMBER <= value <= _HIGHEST_NUMBER:
            return []
        limits = {"lowest": _LOWEST_NUMBER, "highest": _HIGHEST_NUMBER}
        detail = _("Give a whole number from %(lowest)s to %(highest)s.") % limits
        return [FieldError(name, "invalid", detail)]
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        dot = "." if name else ""
        parts = [(f"{name}{dot}{names.get(key, key)}", item) for key, item in value.items()]
    elif isinstance(value, list):
        parts = [(f"{name}[{place}]", item) for place, item in enumerate(value)]
    return [error for path, item in parts for error in _number_errors(item, names, path)]


def _error_code(keyword: str) -> str:
    return {
        "required": "required",
        "additionalProperties": "unknown",
        "enum": "invalid_choice",
        "maxLength": "max_length",
    }.get(keyword, "invalid")


def _build_raw(parameters: Mapping[str, Any]) -> Outgoing:
    action = parameters.get("action")
    payload = parameters.get("payload", {})
    if not isinstance(action, str) or action not in ACTIONS:
        detail = _("OCPP 1.6 has no such request to a charger.")
        raise _invalid([FieldError("action", "invalid_choice", detail)])
    if not isinstance(payload, dict):
        raise _invalid([FieldError("payload", "invalid", _("Give a JSON object."))])
    errors = _schema_errors(action, payload, {}, "payload")
    if errors:
        raise _invalid(errors)
    return Outgoing(action, payload)


def interpret(action: str, response: Any) -> tuple[CommandStatus, str]:
    """Return what a CALLRESULT means for its command, and the error to show ("" if accepted)."""
    problem, _tolerated = judge_response(VERSION, action, response)
    if problem:
        return CommandStatus.FAILED, f"answered, invalid: {problem}"
    # GetConfiguration, GetDiagnostics and others have no status: that they answer is the success.
    status = response.get("status", "Accepted")
    # To have no certificate is an answer, not a refusal.
    if status in _POSITIVE or (action, status) == ("GetInstalledCertificateIds", "NotFound"):
        return CommandStatus.ACCEPTED, ""
    return CommandStatus.REJECTED, str(status)


def interpret_error(code: str, description: str) -> tuple[CommandStatus, str]:
    """Return what a CALLERROR means: a charger that cannot do it refused, anything else failed."""
    text = f"{code}: {description}" if description else code or "CALLERROR"
    refused = code in _REFUSING_CODES
    return (CommandStatus.REJECTED if refused else CommandStatus.FAILED), text


def is_energy_moving(action: str) -> bool:
    """Whether this request must never be sent again by itself when its outcome is unknown."""
    return action in _MOVES_ENERGY
