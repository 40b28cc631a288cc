"""OCPP 1.6 payloads, read as the gateway reads them."""

from datetime import UTC, datetime
from typing import Any

import orjson

from ocpp_gateway.protocol.connection import Connection, IncomingCall
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.inputs import (
    Inbound,
)
from transactions.domain.inputs import ReadingInput, Readings

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AT = "2026-11-20T11:59:00Z"
ENERGY = "Energy.Active.Import.Register"


def read(action: str, payload: Any) -> Inbound:
    text = orjson.dumps([2, "1", action, payload]).decode()
    call = Connection("1.6").receive_text(text, NOW)
    assert isinstance(call, IncomingCall), call
    return V16.read(call)


def kinds(inbound: Inbound) -> set[str]:
    return {anomaly.kind for anomaly in inbound.anomalies}


def meter(samples: Any, **more: Any) -> Inbound:
    value = {"timestamp": AT, "sampledValue": samples}
    return read("MeterValues", {"connectorId": 1, "meterValue": [value], **more})


def only(inbound: Inbound) -> ReadingInput:
    assert isinstance(inbound.input, Readings)
    (reading,) = inbound.input.readings
    return reading


def sample(value: Any, measurand: str = ENERGY, **more: Any) -> dict[str, Any]:
    return {"value": value, "measurand": measurand, **more}


def start(**more: Any) -> Inbound:
    payload = {"connectorId": 2, "idTag": "TAG", "meterStart": 100, "timestamp": AT, **more}
    return read("StartTransaction", payload)
