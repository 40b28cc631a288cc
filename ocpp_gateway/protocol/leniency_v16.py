"""Which deviations of an OCPP 1.6 message are tolerated, because a refusal would lose more.

A charger that gets a CALLERROR for a transaction message sends it for ever, and drops meter values.
So what can be understood is understood, repaired in the payload and returned as an anomaly.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from ocpp_gateway.protocol.validation import Anomaly, Violation, violations

# Sample trees: read sample by sample, and what is wrong there is skipped there.
_SAMPLE_FIELDS: Final = frozenset({"meterValue", "transactionData"})
# Without these nothing can be done; for everything else there is a default or our own time.
_MANDATORY: Final = {
    "Authorize": frozenset({"idTag"}),
    "BootNotification": frozenset({"chargePointVendor", "chargePointModel"}),
    "DataTransfer": frozenset({"vendorId"}),
    "DiagnosticsStatusNotification": frozenset({"status"}),
    "FirmwareStatusNotification": frozenset({"status"}),
    "LogStatusNotification": frozenset({"status"}),
    "SecurityEventNotification": frozenset({"type"}),
    "SignCertificate": frozenset({"csr"}),
    "SignedFirmwareStatusNotification": frozenset({"status"}),
    "StatusNotification": frozenset({"connectorId", "status"}),
}
# What a charger repeats until it is answered: a value of these that nobody can read is left out, as
# it would keep all the others back. Energy flows, whatever is wrong with its messages.
REPEATED: Final = frozenset({"MeterValues", "StartTransaction", "StopTransaction"})
# Older and vendors' own words for a status; anything else cannot be guessed.
_STATUS_WORDS: Final = {
    word.casefold(): word
    for word in (
        "Available",
        "Preparing",
        "Charging",
        "SuspendedEVSE",
        "SuspendedEV",
        "Finishing",
        "Reserved",
        "Unavailable",
        "Faulted",
        "Occupied",
    )
}
_MAX_CONNECTOR: Final = 32_767
_MAX_TEXT: Final = 255
_JUDGED_ITEMS: Final = 20


def forgive_request(
    action: str, payload: dict[str, Any], found: list[Violation]
) -> list[Anomaly] | Violation:
    """Repair in `payload` what is tolerated of `found`; return the anomalies or what is refused."""
    anomalies: dict[str, Anomaly] = {}
    for violation in found:
        kind = _forgive(action, payload, violation)
        if kind is None:
            return violation
        # One of a kind is enough: a batch of samples may hold hundreds.
        anomalies.setdefault(kind, Anomaly(kind, violation.description))
    return list(anomalies.values())


def abridge(payload: dict[str, Any]) -> dict[str, Any]:
    """Return `payload` with only the first of its samples, to be judged a second time.

    Deviating samples are tolerated however many they are, and naming each of the 60,000 of a long
    transaction would hold up every other charger.
    """
    return {
        name: _first_entries(value) if name in _SAMPLE_FIELDS else value
        for name, value in payload.items()
    }


def _first_entries(value: Any) -> Any:
    if isinstance(value, list):
        return [_first_entries(item) for item in value[:_JUDGED_ITEMS]]
    if isinstance(value, dict) and isinstance(value.get("sampledValue"), list):
        return {**value, "sampledValue": value["sampledValue"][:_JUDGED_ITEMS]}
    return value


def forgive_response(
    action: str, payload: dict[str, Any], found: list[Violation]
) -> list[Anomaly] | Violation:
    """Of answers only unknown fields, long texts and nulls are tolerated, no unknown status.

    A null stands for a field that is not there: not for one that must be, nor for a list's entry.
    """
    anomalies: dict[str, Anomaly] = {}
    for violation in found:
        if violation.keyword == "additionalProperties":
            kind = "unknown_field"
        elif violation.keyword == "maxLength":
            kind = "too_long"
        elif violation.keyword == "type" and violation.instance is None and violation.path:
            kind = "null_value"
        else:
            return violation
        anomalies.setdefault(kind, Anomaly(kind, violation.description))
    if "null_value" in anomalies:
        for violation in violations("1.6", action, _without_nulls(payload), is_response=True):
            if violation.keyword in ("required", "type"):
                return violation
    return list(anomalies.values())


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def check_ranges(action: str, payload: dict[str, Any]) -> Violation | None:
    """Return a number that the schema allows and no charger has, unless it would be repeated."""
    connector = payload.get("connectorId")
    if type(connector) is not int or action in REPEATED or 0 <= connector <= _MAX_CONNECTOR:
        return None
    text = f"must be 0 to {_MAX_CONNECTOR}"
    return Violation("maximum", ("connectorId",), text, connector)


def _forgive(action: str, payload: dict[str, Any], violation: Violation) -> str | None:
    if not violation.path:
        return None
    head = violation.path[0]
    if head in _SAMPLE_FIELDS and _is_readable_sample(violation):
        return "meter_value"
    if violation.keyword == "additionalProperties":
        return "unknown_field"
    if len(violation.path) > 1:
        return None
    return _forgive_field(action, payload, str(head), violation)


def _is_readable_sample(violation: Violation) -> bool:
    if len(violation.path) > 1 or violation.keyword == "minItems":
        return True
    return violation.keyword == "type" and isinstance(violation.instance, dict)


def _forgive_field(
    action: str, payload: dict[str, Any], name: str, violation: Violation
) -> str | None:
    keyword = violation.keyword
    if keyword == "required":
        return None if name in _MANDATORY.get(action, ()) else "missing_field"
    if keyword == "maxLength":
        return _forgive_length(action, payload, name)
    if keyword == "enum":
        return _forgive_word(action, payload, name)
    if keyword == "type":
        return _forgive_type(action, payload, name, violation)
    return None


def _forgive_length(action: str, payload: dict[str, Any], name: str) -> str | None:
    if name != "idTag" or len(payload[name]) <= _MAX_TEXT:
        return "too_long"
    if action not in REPEATED:
        return None
    # Cut, it would be another token.
    del payload[name]
    return "unreadable_value"


def _forgive_word(action: str, payload: dict[str, Any], name: str) -> str | None:
    # Any word of a progress report is kept as it is; a connector's status must be understood.
    if action != "StatusNotification" or name != "status":
        return "unknown_value"
    word = _STATUS_WORDS.get(str(payload.get(name)).strip().casefold())
    if word is None:
        return None
    payload[name] = word
    return "unknown_value"


def _forgive_type(
    action: str, payload: dict[str, Any], name: str, violation: Violation
) -> str | None:
    value = violation.instance
    if value is None and name not in _MANDATORY.get(action, ()):
        payload.pop(name, None)
        return "null_value"
    if violation.expected == ("integer",):
        whole = whole_number(value)
        if whole is not None:
            payload[name] = whole
            return "wrong_type"
    elif violation.expected == ("string",) and isinstance(value, int | float):
        payload[name] = str(value)
        return "wrong_type"
    if action in REPEATED:
        payload.pop(name, None)
        return "unreadable_value"
    return None


def whole_number(value: Any) -> int | None:
    """Read an integer from a number or a text ("12", 12.0, "1234.5" → 1235), None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() > 18:
        return None
    return int(number.to_integral_value(ROUND_HALF_UP))
