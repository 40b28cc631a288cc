"""Which deviations of an OCPP 1.6 message are tolerated, because a refusal would lose more.

A charger that gets a CALLERROR for a transaction message sends it for ever, and drops meter values.
So what can be understood is understood, repaired in the payload and returned as an anomaly.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from ocpp_gateway.protocol.validation import Anomaly, Violation

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
    "MeterValues": frozenset({"connectorId"}),
    "SecurityEventNotification": frozenset({"type"}),
    "SignCertificate": frozenset({"csr"}),
    "SignedFirmwareStatusNotification": frozenset({"status"}),
    "StartTransaction": frozenset({"connectorId", "idTag", "meterStart"}),
    "StatusNotification": frozenset({"connectorId", "status"}),
    "StopTransaction": frozenset({"transactionId"}),
}
# What a charger repeats until it is answered: a value of these that nobody can read is left out, as
# it would keep all the others back.
_REPEATED: Final = frozenset({"MeterValues", "StartTransaction", "StopTransaction"})
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
_MAX_BIGINT: Final = 2**63 - 1
_MAX_TEXT: Final = 255
_JUDGED_ITEMS: Final = 20
_BOUNDS: Final = {
    "connectorId": (0, _MAX_CONNECTOR),
    "meterStart": (-_MAX_BIGINT, _MAX_BIGINT),
}


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
    _action: str, payload: dict[str, Any], found: list[Violation]
) -> list[Anomaly] | Violation:
    """Of answers only unknown fields, long texts and nulls are tolerated, no unknown status."""
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
    return list(anomalies.values())


def check_ranges(payload: dict[str, Any]) -> Violation | None:
    """Return the first number that the schema allows and no charger or database has."""
    for name, (lowest, highest) in _BOUNDS.items():
        value = payload.get(name)
        if isinstance(value, int) and not lowest <= value <= highest:
            return Violation("maximum", (name,), f"must be {lowest} to {highest}", value)
    return None


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
        return "too_long" if len(violation.instance) <= _MAX_TEXT or name != "idTag" else None
    if keyword == "enum":
        return _forgive_word(action, payload, name)
    if keyword == "type":
        return _forgive_type(action, payload, name, violation)
    return None


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
    if action in _REPEATED and name not in _MANDATORY[action]:
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
