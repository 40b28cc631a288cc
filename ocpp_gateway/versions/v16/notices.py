"""What an OCPP 1.6 charger reports of its firmware, its logs and its security."""

from collections.abc import Callable
from typing import Final

from chargepoints.domain.maintenance import JobKind
from chargepoints.domain.reports import ProgressReport, SecurityReport, SigningRequest
from ocpp_gateway.protocol.connection import IncomingCall
from ocpp_gateway.versions import timestamps
from ocpp_gateway.versions.inputs import Inbound
from ocpp_gateway.versions.v16.fields import integer, text, time

_LONGEST_CSR: Final = 10_000


def _progress(kind: JobKind) -> Callable[[IncomingCall], Inbound]:
    def read(call: IncomingCall) -> Inbound:
        report = ProgressReport(
            received_at=call.received_at,
            kind=kind,
            status=text(call.payload, "status"),
            request_id=integer(call.payload, "requestId"),
        )
        return Inbound(report, call.anomalies)

    return read


def _security(call: IncomingCall) -> Inbound:
    occurred_at, fault, anomalies = time(call.payload, call)
    report = SecurityReport(
        received_at=call.received_at,
        type=text(call.payload, "type"),
        occurred_at=occurred_at if timestamps.is_plausible(fault) else None,
        tech_info=text(call.payload, "techInfo", 1000),
    )
    return Inbound(report, anomalies)


def _signing(call: IncomingCall) -> Inbound:
    csr = text(call.payload, "csr", _LONGEST_CSR)
    return Inbound(SigningRequest(call.received_at, csr), call.anomalies)


READERS: Final[dict[str, Callable[[IncomingCall], Inbound]]] = {
    "DiagnosticsStatusNotification": _progress(JobKind.LOG),
    "FirmwareStatusNotification": _progress(JobKind.FIRMWARE),
    "LogStatusNotification": _progress(JobKind.LOG),
    "SecurityEventNotification": _security,
    "SignCertificate": _signing,
    "SignedFirmwareStatusNotification": _progress(JobKind.FIRMWARE),
}
