"""OCPP 1.6 CALLs of a charger as neutral inputs, and the results of the services as answers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from chargepoints.domain.reports import BootReport, SigningRequest, StatusReport
from chargepoints.domain.states import ConnectorStatus
from ocpp_gateway.protocol.connection import IncomingCall
from ocpp_gateway.versions import timestamps
from ocpp_gateway.versions.inputs import (
    Authorize,
    DataTransfer,
    Heartbeat,
    Inbound,
    NeutralInput,
)
from ocpp_gateway.versions.v16 import notices
from ocpp_gateway.versions.v16.fields import integer as _integer
from ocpp_gateway.versions.v16.fields import text as _text
from ocpp_gateway.versions.v16.fields import time as _time
from ocpp_gateway.versions.v16.meter import read_meter_values
from transactions.domain.inputs import Readings, SessionStart, SessionStop

Payload = dict[str, Any]
_ID_TAG_LENGTH: Final = 20
_MAX_CONNECTOR: Final = 32_767


def read(call: IncomingCall) -> Inbound:
    """Return the neutral input of a CALL that the protocol core let through; never raises."""
    return _READERS[call.action](call)


def answer(request: NeutralInput, result: Any) -> Payload:
    """Return the payload that answers `request` with what its service returned.

    `result` is the service's value (BootAnswer, AuthorizationResult, StartAnswer, StopAnswer,
    DataTransferAnswer), for a Heartbeat the time, for anything else ignored.
    """
    writer = _WRITERS.get(type(request))
    return {} if writer is None else writer(result)


def neutral_connector(connector: int) -> tuple[int, int]:
    """1.6 numbers its connectors flat: each is the only connector of an EVSE of that number."""
    return (connector, 1) if connector else (0, 0)


def _connector(payload: Payload) -> tuple[int, int]:
    """Return the connector of a message that is kept whatever it names; (0, 0) if it names none."""
    connector = _integer(payload, "connectorId")
    if connector is None or not 0 <= connector <= _MAX_CONNECTOR:
        connector = 0
    return neutral_connector(connector)


def _authorize(call: IncomingCall) -> Inbound:
    return Inbound(Authorize(call.received_at, _text(call.payload, "idTag")), call.anomalies)


def _heartbeat(call: IncomingCall) -> Inbound:
    return Inbound(Heartbeat(call.received_at), call.anomalies)


def _data_transfer(call: IncomingCall) -> Inbound:
    payload = call.payload
    data = payload.get("data")
    transfer = DataTransfer(
        call.received_at,
        _text(payload, "vendorId"),
        _text(payload, "messageId"),
        data if isinstance(data, str) else "",
    )
    return Inbound(transfer, call.anomalies)


def _boot(call: IncomingCall) -> Inbound:
    payload = call.payload
    # 1.6 has two serial numbers; the charge point's own is the newer field, the box's the older.
    serial = _text(payload, "chargePointSerialNumber") or _text(payload, "chargeBoxSerialNumber")
    report = BootReport(
        received_at=call.received_at,
        vendor=_text(payload, "chargePointVendor"),
        model=_text(payload, "chargePointModel"),
        serial_number=serial,
        firmware_version=_text(payload, "firmwareVersion"),
        iccid=_text(payload, "iccid"),
        imsi=_text(payload, "imsi"),
        meter_type=_text(payload, "meterType"),
        meter_serial_number=_text(payload, "meterSerialNumber"),
    )
    return Inbound(report, call.anomalies)


def _status(call: IncomingCall) -> Inbound:
    payload = call.payload
    evse_id, connector_id = neutral_connector(payload["connectorId"])
    reported_at = None
    anomalies = call.anomalies
    if "timestamp" in payload:
        moment, fault, anomalies = _time(payload, call)
        # A clock that cannot be right must not make this report the oldest or the newest for ever.
        reported_at = moment if timestamps.is_plausible(fault) else None
    report = StatusReport(
        received_at=call.received_at,
        evse_id=evse_id,
        connector_id=connector_id,
        status=ConnectorStatus(payload["status"]),
        reported_at=reported_at,
        error_code=_text(payload, "errorCode"),
        info=_text(payload, "info", 500),
        vendor_id=_text(payload, "vendorId"),
        vendor_error_code=_text(payload, "vendorErrorCode"),
    )
    return Inbound(report, anomalies)


def _start(call: IncomingCall) -> Inbound:
    payload = call.payload
    evse_id, connector_id = _connector(payload)
    started_at, fault, anomalies = _time(payload, call)
    start = SessionStart(
        received_at=call.received_at,
        evse_id=evse_id,
        connector_id=connector_id,
        id_token=_text(payload, "idTag"),
        started_at=started_at,
        meter_start_wh=_integer(payload, "meterStart"),
        reservation_id=_integer(payload, "reservationId"),
        has_time=timestamps.is_read(fault),
        frame=call.text,
    )
    return Inbound(start, anomalies)


def _stop(call: IncomingCall) -> Inbound:
    payload = call.payload
    ended_at, fault, anomalies = _time(payload, call)
    readings, found = read_meter_values(payload.get("transactionData"), call.received_at)
    transaction = _integer(payload, "transactionId")
    stop = SessionStop(
        received_at=call.received_at,
        transaction_id="" if transaction is None else str(transaction),
        ended_at=ended_at,
        meter_stop_wh=_integer(payload, "meterStop"),
        reason=_text(payload, "reason", 50),
        id_token=_text(payload, "idTag"),
        readings=readings,
        has_time=timestamps.is_read(fault),
        frame=call.text,
    )
    return Inbound(stop, (*anomalies, *found.values()))


def _meter_values(call: IncomingCall) -> Inbound:
    payload = call.payload
    evse_id, connector_id = _connector(payload)
    readings, found = read_meter_values(payload.get("meterValue"), call.received_at)
    transaction = _integer(payload, "transactionId")
    values = Readings(
        received_at=call.received_at,
        evse_id=evse_id,
        connector_id=connector_id,
        # 0 and -1 are what chargers send outside of a transaction.
        transaction_id=str(transaction) if transaction is not None and transaction > 0 else "",
        readings=readings,
    )
    anomalies = (*call.anomalies, *found.values()) if found else call.anomalies
    return Inbound(values, anomalies)


_READERS: Final[dict[str, Callable[[IncomingCall], Inbound]]] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "DataTransfer": _data_transfer,
    "Heartbeat": _heartbeat,
    "MeterValues": _meter_values,
    "StartTransaction": _start,
    "StatusNotification": _status,
    "StopTransaction": _stop,
    **notices.READERS,
}
ACTIONS: Final = frozenset(_READERS)


def _id_tag_info(status: str, expires_at: datetime | None, group: str) -> Payload:
    info: Payload = {"status": str(status)}
    if expires_at is not None:
        info["expiryDate"] = timestamps.wire_time(expires_at)
    # A longer group cannot be said in 1.6; the charger then only knows the tag itself.
    if group and len(group) <= _ID_TAG_LENGTH:
        info["parentIdTag"] = group
    return info


def _boot_answer(result: Any) -> Payload:
    return {
        "status": str(result.status),
        "currentTime": timestamps.wire_time(result.at),
        "interval": result.interval_seconds,
    }


def _authorize_answer(result: Any) -> Payload:
    return {"idTagInfo": _id_tag_info(result.status, result.expires_at, result.group)}


def _heartbeat_answer(result: datetime) -> Payload:
    return {"currentTime": timestamps.wire_time(result)}


def _start_answer(result: Any) -> Payload:
    info = _id_tag_info(result.authorization, result.expires_at, result.group)
    return {"transactionId": result.transaction_id, "idTagInfo": info}


def _stop_answer(result: Any) -> Payload:
    if result.authorization is None:
        return {}
    return {"idTagInfo": _id_tag_info(result.authorization, result.expires_at, result.group)}


def _data_transfer_answer(result: Any) -> Payload:
    payload: Payload = {"status": str(result.status)}
    if result.data:
        payload["data"] = result.data
    return payload


def _signing_answer(result: bool) -> Payload:
    return {"status": "Accepted" if result else "Rejected"}


_WRITERS: Final[dict[type[Any], Callable[[Any], Payload]]] = {
    Authorize: _authorize_answer,
    BootReport: _boot_answer,
    DataTransfer: _data_transfer_answer,
    Heartbeat: _heartbeat_answer,
    SessionStart: _start_answer,
    SessionStop: _stop_answer,
    SigningRequest: _signing_answer,
}
