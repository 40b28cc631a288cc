"""Version-neutral commands as OCPP 1.6 requests, and what a charger's answer to one means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from chargepoints.domain.states import CommandStatus
from csms.common.errors import FieldError, InvalidInput
from ocpp_gateway.protocol import validation
from ocpp_gateway.protocol.rules import judge_response
from ocpp_gateway.versions.inputs import Outgoing

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
_MAX_CONNECTOR: Final = 32_767
_MAX_BIGINT: Final = 2**63 - 1


class _Wrong(Exception):
    """A parameter's value is not usable: a stable code and what to do about it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _Wrong("invalid", _("Give a text."))
    return value


def _any_text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("invalid", _("Give a text."))
    return value


def _number(value: Any, lowest: int, highest: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise _Wrong(
            "invalid",
            _("Give a whole number from %(lowest)s to %(highest)s.")
            % {"lowest": lowest, "highest": highest},
        )
    return value


def _connector(value: Any) -> int:
    return _number(value, 1, _MAX_CONNECTOR)


def _connector_or_station(value: Any) -> int:
    return _number(value, 0, _MAX_CONNECTOR)


def _transaction(value: Any) -> int:
    return _number(value, 1, _MAX_BIGINT)


def _reset_type(value: Any) -> str:
    kinds = {"soft": "Soft", "hard": "Hard"}
    if not isinstance(value, str) or value.lower() not in kinds:
        raise _Wrong("invalid_choice", _("Give soft or hard."))
    return kinds[value.lower()]


def _availability(value: Any) -> str:
    if not isinstance(value, bool):
        raise _Wrong("invalid", _("Give true or false."))
    return "Operative" if value else "Inoperative"


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        raise _Wrong("invalid", _("Give a list of texts."))
    return [_text(item) for item in value]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("invalid", _("Give a JSON object."))
    return value


@dataclass(frozen=True, slots=True)
class _Field:
    """One parameter: its name on the wire, how it is read, whether it must be there."""

    wire: str
    read: Callable[[Any], Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class _Command:
    """`defaults` are wire fields that 1.6 demands and the neutral command may leave out."""

    action: str
    fields: Mapping[str, _Field]
    defaults: Mapping[str, Any]


def _command(action: str, fields: Mapping[str, _Field] | None = None, **defaults: Any) -> _Command:
    return _Command(action, fields or {}, defaults)


_COMMANDS: Final[dict[str, _Command]] = {
    "start_charging": _command(
        "RemoteStartTransaction",
        {
            "connector_id": _Field("connectorId", _connector),
            "id_token": _Field("idTag", _text, required=True),
            "charging_profile": _Field("chargingProfile", _object),
        },
    ),
    "stop_charging": _command(
        "RemoteStopTransaction",
        {"transaction_id": _Field("transactionId", _transaction, required=True)},
    ),
    "reset": _command("Reset", {"type": _Field("type", _reset_type, required=True)}),
    "unlock": _command(
        "UnlockConnector", {"connector_id": _Field("connectorId", _connector, required=True)}
    ),
    "change_availability": _command(
        "ChangeAvailability",
        {
            "connector_id": _Field("connectorId", _connector_or_station),
            "available": _Field("type", _availability, required=True),
        },
        # 0 is the whole station.
        connectorId=0,
    ),
    "set_configuration": _command(
        "ChangeConfiguration",
        {
            "key": _Field("key", _text, required=True),
            "value": _Field("value", _any_text, required=True),
        },
    ),
    "get_configuration": _command("GetConfiguration", {"keys": _Field("key", _texts)}),
    "clear_cache": _command("ClearCache"),
    "data_transfer": _command(
        "DataTransfer",
        {
            "vendor_id": _Field("vendorId", _text, required=True),
            "message_id": _Field("messageId", _any_text),
            "data": _Field("data", _any_text),
        },
    ),
    "trigger": _command(
        "TriggerMessage",
        {
            "message": _Field("requestedMessage", _text, required=True),
            "connector_id": _Field("connectorId", _connector_or_station),
        },
    ),
}
RAW: Final = "ocpp"
COMMANDS: Final = frozenset({*_COMMANDS, RAW})


def build(name: str, parameters: Mapping[str, Any]) -> Outgoing:
    """Return the 1.6 request for a neutral command, or for a raw one (`ocpp`: action, payload).

    Raise `InvalidInput` with one FieldError for each wrong parameter. Where `evse_id` is given it
    is the 1.6 connector: an EVSE has one connector there.
    """
    if name == RAW:
        return _build_raw(parameters)
    command = _COMMANDS.get(name)
    if command is None:
        raise _invalid([FieldError("command", "unsupported", _("OCPP 1.6 has no such command."))])
    values, errors = _flat_connector(parameters, command)
    payload, wrong = _read_fields(command, values)
    errors += wrong
    if not errors:
        names = {field.wire: parameter for parameter, field in command.fields.items()}
        errors = _schema_errors(command.action, payload, names)
    if errors:
        raise _invalid(errors)
    return Outgoing(command.action, payload)


def _invalid(errors: list[FieldError]) -> InvalidInput:
    return InvalidInput(
        "; ".join(f"{error.field}: {error.detail}" for error in errors), errors=errors
    )


def _flat_connector(
    parameters: Mapping[str, Any], command: _Command
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
    command: _Command, values: Mapping[str, Any]
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
        except _Wrong as wrong:
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
    return errors


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
    if status in _POSITIVE:
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
