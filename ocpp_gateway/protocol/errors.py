"""CALLERROR codes. One neutral vocabulary (2.x's spelling) and what each version writes for it."""

from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """Why a CALL was refused, in the spelling of OCPP 2.x."""

    FORMAT_VIOLATION = "FormatViolation"
    OCCURRENCE_VIOLATION = "OccurrenceConstraintViolation"
    PROPERTY_VIOLATION = "PropertyConstraintViolation"
    TYPE_VIOLATION = "TypeConstraintViolation"
    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    GENERIC_ERROR = "GenericError"
    RPC_FRAMEWORK_ERROR = "RpcFrameworkError"
    MESSAGE_TYPE_NOT_SUPPORTED = "MessageTypeNotSupported"


# OCPP-J 1.6 §4.2.3 spells two codes its own way ("Occurence" is its typing error, and binding),
# and has none for a broken frame.
_SPELLING: Final[dict[str, dict[str, str]]] = {
    "1.6": {
        ErrorCode.FORMAT_VIOLATION: "FormationViolation",
        ErrorCode.OCCURRENCE_VIOLATION: "OccurenceConstraintViolation",
        ErrorCode.RPC_FRAMEWORK_ERROR: "GenericError",
        ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED: "GenericError",
    },
    "2.0.1": {},
    "2.1": {},
}


def spell(version: str, code: str) -> str:
    """Return `code` as OCPP `version` writes it; a code without a spelling of its own stays."""
    return _SPELLING[version].get(code, str(code))


class ProtocolStateError(Exception):
    """A request of ours that the state of the socket does not allow now; try again later."""


class CallInFlight(ProtocolStateError):
    """One CALL of ours is still unanswered, and only one may be open (OCPP-J §4.1.1)."""


class NotRegistered(ProtocolStateError):
    """The charger's registration does not allow this request yet (1.6 §4.2, 2.x B02, B03)."""
