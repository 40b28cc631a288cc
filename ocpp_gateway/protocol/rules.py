"""What differs between OCPP versions in the handling of frames: one table entry per version."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ocpp_gateway.protocol import leniency_v16, validation
from ocpp_gateway.protocol.validation import Anomaly, Violation

Payload = dict[str, Any]
# Repairs the payload in place and returns what it tolerated, or the violation that stands.
Lenient = Callable[[str, Payload, list[Violation]], list[Anomaly] | Violation]


@dataclass(frozen=True, slots=True)
class Rules:
    """How one version treats CALLs of the charger (`incoming`) and of ours."""

    incoming: frozenset[str]
    # Their payload may be missing or null.
    empty_payload: frozenset[str]
    # What a charger repeats until it is answered: tolerated even where nothing else is.
    repeated: frozenset[str]
    # What we may send while the charger's registration is Pending.
    sendable_while_pending: frozenset[str]
    triggers: frozenset[str]
    answers_unreadable: bool
    # Shortens what is tolerated anyway, before a payload is judged by `forgive_request`.
    abridge: Callable[[Payload], Payload]
    forgive_request: Lenient
    forgive_response: Lenient
    check_ranges: Callable[[str, Payload], Violation | None]


BOOT: Final = "BootNotification"
# Their answers carry the time, so an old answer is soon a wrong one.
CLOCK_ACTIONS: Final = frozenset({BOOT, "Heartbeat"})

RULES: Final[dict[str, Rules]] = {
    "1.6": Rules(
        incoming=frozenset(
            {
                "Authorize",
                BOOT,
                "DataTransfer",
                "DiagnosticsStatusNotification",
                "FirmwareStatusNotification",
                "Heartbeat",
                "LogStatusNotification",
                "MeterValues",
                "SecurityEventNotification",
                "SignCertificate",
                "SignedFirmwareStatusNotification",
                "StartTransaction",
                "StatusNotification",
                "StopTransaction",
            }
        ),
        # A stop is kept and answered whatever it holds: it would be repeated for ever.
        empty_payload=frozenset({"Heartbeat", "MeterValues", "StopTransaction"}),
        repeated=leniency_v16.REPEATED,
        sendable_while_pending=frozenset(
            {
                "ChangeConfiguration",
                "ExtendedTriggerMessage",
                "GetConfiguration",
                "TriggerMessage",
            }
        ),
        triggers=frozenset({"ExtendedTriggerMessage", "TriggerMessage"}),
        answers_unreadable=False,
        abridge=leniency_v16.abridge,
        forgive_request=leniency_v16.forgive_request,
        forgive_response=leniency_v16.forgive_response,
        check_ranges=leniency_v16.check_ranges,
    ),
}


def judge_response(version: str, action: str, payload: Any) -> tuple[str, tuple[Anomaly, ...]]:
    """Return how a charger's answer breaks its schema ("" if not), and what is tolerated."""
    if type(payload) is not dict:
        return "payload: must be a JSON object", ()
    found = validation.violations(version, action, payload, is_response=True)
    judged = RULES[version].forgive_response(action, payload, found)
    if isinstance(judged, Violation):
        return judged.description, ()
    return "", tuple(judged)
