"""OCPP 1.6 payloads as neutral inputs: cases 24, 33 to 40, 46, 51, and answers to them."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from chargepoints.domain.reports import BootReport, StatusReport
from chargepoints.domain.states import ConnectorStatus
from ocpp_gateway.protocol import validation
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.inputs import (
    Authorize,
    DataTransfer,
    DataTransferAnswer,
    Heartbeat,
)
from ocpp_gateway.versions.timestamps import read_timestamp
from tests.ocpp_gateway.v16_payloads import AT, NOW, kinds, read, sample, start
from transactions.domain.inputs import SessionStart, SessionStop


def test_case_24_a_repeated_start_reads_the_same() -> None:
    first, second = start(), start()
    assert first == second
    assert isinstance(first.input, SessionStart)
    assert '"meterStart":100' in first.input.frame
    assert replace(first.input, frame="") == SessionStart(
        received_at=NOW,
        evse_id=2,
        connector_id=1,
        id_token="TAG",
        started_at=datetime(2026, 11, 20, 11, 59, tzinfo=UTC),
        meter_start_wh=100,
    )


def test_case_33_an_odd_boot_is_read_with_anomalies() -> None:
    inbound = read(
        "BootNotification",
        {
            "chargePointVendor": "",
            "chargePointModel": "M" * 300,
            "chargePointSerialNumber": "S" * 26,
            "imsi": None,
            "iccid": 8966,
            "colour": "red",
        },
    )
    assert isinstance(inbound.input, BootReport)
    report = inbound.input
    assert (report.vendor, report.model, report.serial_number) == ("", "M" * 255, "S" * 26)
    assert (report.imsi, report.iccid) == ("", "8966")
    assert kinds(inbound) == {"too_long", "null_value", "wrong_type", "unknown_field"}


def status(**more: Any) -> tuple[StatusReport, set[str]]:
    payload = {"connectorId": 1, "errorCode": "NoError", "status": "Available", **more}
    inbound = read("StatusNotification", payload)
    assert isinstance(inbound.input, StatusReport)
    return inbound.input, kinds(inbound)


def test_case_35_connector_zero_is_the_station() -> None:
    station, _ = status(connectorId=0)
    connector, _ = status(connectorId=7)
    assert (station.evse_id, station.connector_id) == (0, 0)
    assert (connector.evse_id, connector.connector_id) == (7, 1)


def test_case_36_a_status_without_a_usable_time_has_none() -> None:
    assert status()[0].reported_at is None
    assert status(timestamp=AT)[0].reported_at == datetime(2026, 11, 20, 11, 59, tzinfo=UTC)
    report, found = status(timestamp="1970-01-01T00:00:00Z")
    assert (report.reported_at, found) == (None, {"clock_fault"})


def test_case_37_unknown_error_codes_are_kept_raw() -> None:
    report, found = status(errorCode="Error", vendorErrorCode="E" * 60, info="i" * 600)
    assert (report.error_code, report.vendor_error_code) == ("Error", "E" * 60)
    assert len(report.info) == 500
    assert found == {"unknown_value", "too_long"}


def test_case_37_other_words_for_a_status_are_understood() -> None:
    assert status(status="occupied")[0].status is ConnectorStatus.OCCUPIED
    assert status(status="suspendedEVSE")[0].status is ConnectorStatus.SUSPENDED_EVSE


@pytest.mark.parametrize(
    ("raw", "expected", "fault"),
    [
        ("2026-11-20T13:59:00+02", "2026-11-20T11:59:00+00:00", ""),
        ("2026-11-20T18:59:00+07:00", "2026-11-20T11:59:00+00:00", ""),
        ("2026-11-20T11:59:00", "2026-11-20T11:59:00+00:00", "timestamp_without_zone"),
        ("2026-11-20T11:59:00.1234567Z", "2026-11-20T11:59:00.123456+00:00", ""),
        ("2026-11-20t11:59:00z", "2026-11-20T11:59:00+00:00", ""),
        ("2026-11-20 18:59:00 +0700", "2026-11-20T11:59:00+00:00", ""),
        ("2026-11-20T11:59:60Z", "2026-11-20T11:59:59+00:00", ""),
        ("2026-1-2T3:04:05Z", "2026-01-02T03:04:05+00:00", ""),
        ("1795175940", "2026-11-20T11:59:00+00:00", ""),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00", "clock_fault"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00+00:00", "clock_fault"),
        ("2106-02-07T06:28:15Z", "2106-02-07T06:28:15+00:00", "clock_fault"),
        ("0001-01-01T00:00:00+02", NOW.isoformat(), "timestamp_unreadable"),
        ("yesterday", NOW.isoformat(), "timestamp_unreadable"),
        ("", NOW.isoformat(), "timestamp_missing"),
        (None, NOW.isoformat(), "timestamp_missing"),
    ],
)
def test_case_40_times_of_every_form(raw: Any, expected: str, fault: str) -> None:
    moment, found = read_timestamp(raw, NOW)
    assert (moment.isoformat(), found) == (expected, fault)


def test_case_40_an_implausible_start_is_marked() -> None:
    faulty = start(timestamp="1970-01-01T00:00:00Z")
    assert isinstance(faulty.input, SessionStart)
    assert faulty.input.has_time
    assert faulty.input.started_at.year == 1970
    assert kinds(faulty) == {"clock_fault"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        *((12, "12"), ("12", "12"), (-1, "-1"), (0, "0"), (2**63, "")),
        *((1e25, ""), ("garbage", ""), ("", ""), (None, ""), ([1], ""), ({"id": 1}, "")),
    ],
)
def test_case_46_a_stop_is_read_whatever_its_transaction(raw: Any, expected: str) -> None:
    payload = {"transactionId": raw, "meterStop": 5, "timestamp": AT}
    stop = read("StopTransaction", payload).input
    assert isinstance(stop, SessionStop)
    assert (stop.transaction_id, stop.meter_stop_wh) == (expected, 5)
    assert orjson.loads(stop.frame)[3] == payload


def test_case_46_a_start_is_read_whatever_is_missing() -> None:
    nothing = read("StartTransaction", {}).input
    assert nothing == SessionStart(
        received_at=NOW,
        evse_id=0,
        connector_id=0,
        id_token="",
        started_at=NOW,
        meter_start_wh=None,
        has_time=False,
        frame='[2,"1","StartTransaction",{}]',
    )


def test_case_51_a_stop_of_2_mb_is_read_whole() -> None:
    data = [
        {
            "timestamp": f"2026-11-20T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z",
            "sampledValue": [sample(second, unit="Wh", context="Sample.Periodic")],
        }
        for second in range(15_000)
    ]
    payload = {"transactionId": 5, "meterStop": 1, "timestamp": AT, "transactionData": data}
    inbound = read("StopTransaction", payload)
    assert isinstance(inbound.input, SessionStop)
    assert [reading.energy_wh for reading in inbound.input.readings] == list(range(15_000))
    # One anomaly of a kind, not fifteen thousand.
    assert len(inbound.anomalies) == 1


def test_a_stop_with_little_and_a_stop_with_everything() -> None:
    bare = read("StopTransaction", {"transactionId": 5})
    assert isinstance(bare.input, SessionStop)
    assert (bare.input.meter_stop_wh, bare.input.ended_at) == (None, NOW)
    assert not bare.input.has_time
    data = [{"timestamp": AT, "sampledValue": [sample("10.5", unit="kWh")]}]
    full = read(
        "StopTransaction",
        {
            "transactionId": 5,
            "idTag": "TAG",
            "meterStop": "10500",
            "timestamp": AT,
            "reason": "Vendor",
            "transactionData": data,
        },
    )
    assert isinstance(full.input, SessionStop)
    stop = full.input
    assert (stop.id_token, stop.meter_stop_wh, stop.reason) == ("TAG", 10_500, "Vendor")
    assert [reading.energy_wh for reading in stop.readings] == [10_500]
    assert stop.has_time
    assert kinds(full) == {"wrong_type", "unknown_value"}


def test_the_remaining_messages() -> None:
    assert read("Authorize", {"idTag": "T"}).input == Authorize(NOW, "T")
    assert read("Heartbeat", {}).input == Heartbeat(NOW)
    transfer = {"vendorId": "V", "messageId": "m", "data": "d"}
    assert read("DataTransfer", transfer).input == DataTransfer(NOW, "V", "m", "d")


AUTHORIZATION = SimpleNamespace(
    status="Accepted", authorization="Accepted", expires_at=NOW, group="G" * 20, transaction_id=7
)
WITHOUT = SimpleNamespace(
    status="Invalid", authorization="Invalid", expires_at=None, group="G" * 21, transaction_id=7
)


@pytest.mark.parametrize(
    ("action", "payload", "result", "expected"),
    [
        (
            "BootNotification",
            {"chargePointVendor": "V", "chargePointModel": "M"},
            SimpleNamespace(status="Accepted", interval_seconds=300, at=NOW),
            {"status": "Accepted", "currentTime": "2026-11-20T12:00:00.000Z", "interval": 300},
        ),
        ("Heartbeat", {}, NOW, {"currentTime": "2026-11-20T12:00:00.000Z"}),
        (
            "Authorize",
            {"idTag": "T"},
            AUTHORIZATION,
            {
                "idTagInfo": {
                    "status": "Accepted",
                    "expiryDate": "2026-11-20T12:00:00.000Z",
                    "parentIdTag": "G" * 20,
                }
            },
        ),
        (
            "StartTransaction",
            {"connectorId": 1, "idTag": "T", "meterStart": 1, "timestamp": AT},
            WITHOUT,
            {"transactionId": 7, "idTagInfo": {"status": "Invalid"}},
        ),
        ("StopTransaction", {"transactionId": 1}, SimpleNamespace(authorization=None), {}),
        ("StopTransaction", {"transactionId": 1}, WITHOUT, {"idTagInfo": {"status": "Invalid"}}),
        ("MeterValues", {"connectorId": 1}, None, {}),
        ("StatusNotification", {"connectorId": 1, "status": "Available"}, None, {}),
        (
            "DataTransfer",
            {"vendorId": "V"},
            DataTransferAnswer(),
            {"status": "UnknownVendorId"},
        ),
    ],
)
def test_answers_satisfy_the_schema(
    action: str, payload: dict[str, Any], result: Any, expected: dict[str, Any]
) -> None:
    answer = V16.answer(read(action, payload).input, result)
    assert answer == expected
    assert validation.violations("1.6", action, answer, is_response=True) == []
