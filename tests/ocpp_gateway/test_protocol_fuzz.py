"""Whatever a charger sends: no exception, and an answer that is a frame."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from hypothesis import given
from hypothesis import strategies as st

from chargepoints.domain.quirks import Quirks, RegisterKind
from ocpp_gateway.protocol.connection import Connection, IncomingCall, Rejected, Repeated
from ocpp_gateway.protocol.masking import mask
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.timestamps import read_timestamp
from ocpp_gateway.versions.v16.inbound import ACTIONS
from ocpp_gateway.versions.v16.meter import read_meter_values, read_number

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MAX_BIGINT = 2**63 - 1
EVERY_QUIRK = Quirks(
    register_kind=RegisterKind.PER_SESSION,
    clock_zone=ZoneInfo("America/St_Johns"),
    is_available_before_stop=True,
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["12,5", "NaN", "1e3", "", "Wh", "kWh", "L1", "2026-01-01T00:00:00+02"])
    | st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-01T01:30:00"])
)
names = st.sampled_from(
    [
        "connectorId",
        "idTag",
        "meterStart",
        "meterStop",
        "timestamp",
        "transactionId",
        "status",
        "errorCode",
        "meterValue",
        "transactionData",
        "sampledValue",
        "value",
        "unit",
        "measurand",
        "phase",
        "location",
        "format",
        "context",
        "vendorId",
        "chargePointVendor",
        "chargePointModel",
        "reason",
        "data",
        "requestId",
    ]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=12,
)
VALID: dict[str, dict[str, Any]] = {
    "Authorize": {"idTag": "T"},
    "BootNotification": {"chargePointVendor": "V", "chargePointModel": "M"},
    "DataTransfer": {"vendorId": "V", "data": "x"},
    "DiagnosticsStatusNotification": {"status": "Uploading"},
    "FirmwareStatusNotification": {"status": "Installing"},
    "Heartbeat": {},
    "LogStatusNotification": {"status": "Uploading", "requestId": 1},
    "MeterValues": {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-11-20T12:00:00Z", "sampledValue": [{"value": "1"}]}],
    },
    "SecurityEventNotification": {"type": "Tamper", "timestamp": "2026-11-20T12:00:00Z"},
    "SignCertificate": {"csr": "-----BEGIN"},
    "SignedFirmwareStatusNotification": {"status": "Installing", "requestId": 1},
    "StartTransaction": {
        "connectorId": 1,
        "idTag": "T",
        "meterStart": 1,
        "timestamp": "2026-11-20T12:00:00Z",
    },
    "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    "StopTransaction": {
        "transactionId": 1,
        "meterStop": 2,
        "timestamp": "2026-11-20T12:00:00Z",
        "transactionData": [],
    },
}


def check(text: str) -> None:
    connection = Connection("1.6")
    connection.open_call("1", "GetConfiguration", {}, NOW)
    for _repetition in range(2):
        received = connection.receive_text(text, NOW)
        if isinstance(received, Rejected | Repeated) and received.reply_text is not None:
            assert orjson.loads(received.reply_text)[0] == 4
        if isinstance(received, IncomingCall):
            inbound = V16.read(received)
            for meant in (inbound, V16.correct(inbound, received, EVERY_QUIRK)):
                assert "\x00" not in repr(meant.input)
            # It must survive the way into a JSON column.
            json.dumps(received.payload, allow_nan=False)
            assert (
                orjson.loads(connection.fail(received, "InternalError"))[1] == received.message_id
            )
    mask(text, "")


def test_every_incoming_action_has_a_reader_and_a_valid_example() -> None:
    assert set(VALID) == ACTIONS
    for action, payload in VALID.items():
        received = Connection("1.6").receive_text(json.dumps([2, "1", action, payload]), NOW)
        assert isinstance(received, IncomingCall)
        assert V16.read(received).anomalies == ()


@given(st.text())
def test_random_text(text: str) -> None:
    check(text)


@given(values)
def test_random_json(value: Any) -> None:
    check(json.dumps(value))


@given(
    st.sampled_from([2, 3, 4, 5, 6, "2", None, 2.0]),
    st.text(max_size=40) | scalars,
    st.sampled_from(sorted(ACTIONS)) | scalars,
    values,
    st.lists(values, max_size=2),
)
def test_random_frames(kind: Any, message_id: Any, action: Any, payload: Any, more: Any) -> None:
    check(json.dumps([kind, message_id, action, payload, *more]))


@given(st.data(), st.sampled_from(sorted(VALID)))
def test_mutated_valid_frames(data: st.DataObject, action: str) -> None:
    payload = {**VALID[action], **data.draw(st.dictionaries(names, values, max_size=3))}
    for name in (
        data.draw(st.lists(st.sampled_from(sorted(payload)), max_size=1)) if payload else ()
    ):
        del payload[name]
    text = json.dumps([2, "1", action, payload])
    cut = data.draw(st.integers(0, len(text)) | st.just(len(text)))
    check(text[:cut])


@given(values)
def test_readings_fit_their_columns(raw: Any) -> None:
    readings, _anomalies = read_meter_values(raw, NOW)
    assert len({reading.measured_at for reading in readings}) == len(readings)
    for reading in readings:
        assert reading.measured_at.tzinfo is UTC
        assert reading.energy_wh is None or 0 <= reading.energy_wh <= MAX_BIGINT
        assert reading.power_w is None or abs(reading.power_w) < 2**31
        assert len(reading.context) <= 30
        for number, limit in (
            (reading.soc_percent, 1_000),
            (reading.current_a, 10**6),
            (reading.voltage_v, 10**6),
        ):
            assert number is None or (abs(number) < limit and number.as_tuple().exponent == -2)


@given(scalars | st.decimals() | st.text("0123456789eE+-.,_ ٣", max_size=12))
def test_numbers_are_finite_or_none(raw: Any) -> None:
    number = read_number(raw)
    assert number is None or (number.is_finite() and abs(number) < 10**19)


@given(scalars | st.text("0123456789-:TZ+. ", max_size=30) | st.datetimes().map(str))
def test_times_are_aware_utc(raw: Any) -> None:
    moment, _fault = read_timestamp(raw, NOW)
    assert moment.tzinfo is UTC
