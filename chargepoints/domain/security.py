"""Words of the security extension: certificates, requests for them, events."""

from enum import StrEnum
from typing import Final


class CertificateType(StrEnum):
    CENTRAL_SYSTEM_ROOT = "central_system_root"
    MANUFACTURER_ROOT = "manufacturer_root"


class RequestState(StrEnum):
    """PENDING: to be signed. SIGNED: on its way to the charger. REFUSED: by us, REJECTED: by it.

    SUPERSEDED: the charger asked again before it got an answer.
    """

    PENDING = "PENDING"
    SIGNED = "SIGNED"
    INSTALLED = "INSTALLED"
    REFUSED = "REFUSED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


OPEN_REQUEST_STATES: Final = frozenset({RequestState.PENDING, RequestState.SIGNED})
# What a person should look at. That a charger started or got its firmware, which the
# specification also calls critical, happens every day.
_CRITICAL: Final = frozenset(
    word.lower()
    for word in (
        "AttemptedReplayAttacks",
        "CentralSystemFailedToAuthenticate",
        "CsmsFailedToAuthenticate",
        "FailedToAuthenticateAtCentralSystem",
        "FailedToAuthenticateAtCsms",
        "InvalidCentralSystemCertificate",
        "InvalidChargePointCertificate",
        "InvalidChargingStationCertificate",
        "InvalidCsmsCertificate",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "MaintenanceLoginFailed",
        "MemoryExhaustion",
        "ReconfigurationOfSecurityParameters",
        "SecurityLogWasCleared",
        "TamperDetectionActivated",
    )
)


def is_critical(event_type: str) -> bool:
    return event_type.strip().lower() in _CRITICAL
