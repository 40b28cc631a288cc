"""What an OCPP 1.6 charger reports of its firmware, its logs and its security."""

from collections.abc import Callable
from typing import Final

from chargepoints.domain.maintenance import JobKind
from chargepoints.domain.reports import ProgressReport
from ocpp_gateway.protocol.connection import IncomingCall
from ocpp_gateway.versions.inputs import Inbound
from ocpp_gateway.versions.v16.fields import integer, text


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


READERS: Final[dict[str, Callable[[IncomingCall], Inbound]]] = {
    "DiagnosticsStatusNotification": _progress(JobKind.LOG),
    "FirmwareStatusNotification": _progress(JobKind.FIRMWARE),
    "LogStatusNotification": _progress(JobKind.LOG),
    "SignedFirmwareStatusNotification": _progress(JobKind.FIRMWARE),
}
