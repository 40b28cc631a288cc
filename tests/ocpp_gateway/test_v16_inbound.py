"""OCPP 1.6 payloads as neutral inputs: cases 24, 33 to 40 and 57 to 62 of the requirements."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from chargepoints.domain.reports import BootReport, StatusReport
from chargepoints.domain.states import ConnectorStatus
from ocpp_gateway.protocol import validation
from ocpp_gateway.protocol.connection import Connection, IncomingCall
from ocpp_gateway.versions import V16
from ocpp_gateway.versions.inputs import (
    Authorize,
    DataTransfer,
    DataTransferAnswer,
    Heartbeat,
    Inbound,
)
from ocpp_gateway.versions.timestamps import read_timestamp
from transactions.domain.inputs import ReadingInput, Readings, SessionStart, SessionStop

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


def test_case_24_a_repeated_start_reads_the_same() -> None:
    first, second = start(), start()
    assert first == second
    assert first.input == SessionStart(
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
    assert not faulty.input.is_time_plausible
    assert faulty.input.started_at.year == 1970
    assert kinds(faulty) == {"clock_fault"}


@pytest.mark.parametrize(
    ("value", "energy"),
    [
        ("1234", 1234),
        ("12,5", 13),
        ("1e3", 1000),
        (" 7 ", 7),
        (1500, 1500),
        (12.4, 12),
        ("0", 0),
    ],
)
def test_case_57_values_that_can_be_read(value: Any, energy: int) -> None:
    assert only(meter([sample(value)])).energy_wh == energy


@pytest.mark.parametrize(
    "value", ["", "NaN", "Infinity", "abc", None, True, [], "1e99", "-5", "1_0", "٣"]
)
def test_case_57_a_sample_that_cannot_be_read_is_skipped_alone(value: Any) -> None:
    inbound = meter([sample(value), sample("230", "Voltage")])
    reading = only(inbound)
    assert (reading.energy_wh, reading.voltage_v) == (None, Decimal("230.00"))
    assert reading.extra == [sample(value)]
    assert "meter_value" in kinds(inbound)


def test_case_57_arrays_that_are_empty_or_no_arrays() -> None:
    broken: tuple[Any, ...] = ([], None, [None], "x", [[]])
    for samples in broken:
        inbound = meter(samples)
        assert isinstance(inbound.input, Readings)
        assert inbound.input.readings == ()
    value = {"timestamp": AT, "sampledValue": sample("5")}
    assert only(read("MeterValues", {"connectorId": 1, "meterValue": value})).energy_wh == 5
    empty = read("MeterValues", {"connectorId": 1, "meterValue": []})
    assert isinstance(empty.input, Readings)
    assert empty.input.readings == ()


def test_case_58_unknown_words_are_kept_raw() -> None:
    odd = [
        sample("1", "Energy.Magic"),
        sample("2", "Voltage", unit="furlong"),
        sample("3", context="Sample.Odd", location="Moon"),
        sample("4", "Voltage", phase="L9"),
        sample("5", "Temperature", unit="Celsius"),
    ]
    inbound = meter(odd)
    reading = only(inbound)
    assert reading.extra == odd
    assert reading.context == "Sample.Odd"
    assert (reading.energy_wh, reading.voltage_v) == (None, None)
    assert "meter_unit" in kinds(inbound)


@pytest.mark.parametrize(
    ("value", "unit", "energy"),
    [
        ("1234.5", {}, 1235),
        ("1234", {"unit": "Wh"}, 1234),
        ("10.123", {"unit": "kWh"}, 10_123),
        (0.1, {"unit": "kWh"}, 100),
        (4503599627370.497, {"unit": "kwh"}, 4_503_599_627_370_497),
    ],
)
def test_case_59_units_of_energy_without_floats(
    value: Any, unit: dict[str, str], energy: int
) -> None:
    reading = only(meter([{"value": value, **unit}]))
    assert reading.energy_wh == energy
    assert isinstance(reading.energy_wh, int)


def test_case_59_all_neutral_values_in_our_units() -> None:
    reading = only(
        meter(
            [
                sample("10.5", unit="kWh", context="Transaction.Begin"),
                sample("7.36", "Power.Active.Import", unit="kW"),
                sample("80", "SoC", unit="Percent", location="EV"),
                sample("31.999", "Current.Import", unit="A"),
                sample("229.94", "Voltage", unit="V"),
            ],
            transactionId=12,
        )
    )
    assert reading == ReadingInput(
        measured_at=datetime(2026, 11, 20, 11, 59, tzinfo=UTC),
        energy_wh=10_500,
        power_w=7_360,
        soc_percent=Decimal("80.00"),
        current_a=Decimal("32.00"),
        voltage_v=Decimal("229.94"),
        context="Transaction.Begin",
    )


def test_case_60_the_register_is_passed_on_as_it_is() -> None:
    values = [
        {"timestamp": f"2026-11-20T11:0{minute}:00Z", "sampledValue": [{"value": value}]}
        for minute, value in enumerate(["4294967295", "0", "10"])
    ]
    inbound = read("MeterValues", {"connectorId": 1, "meterValue": values})
    assert isinstance(inbound.input, Readings)
    assert [reading.energy_wh for reading in inbound.input.readings] == [4_294_967_295, 0, 10]


def test_case_61_phases_make_the_total_only_where_there_is_none() -> None:
    phases = [sample(str(value), phase=f"L{value}") for value in (1, 2, 3)]
    assert only(meter(phases)).energy_wh == 6
    for samples in ([sample("7"), *phases], [*phases, sample("7")]):
        reading = only(meter(samples))
        assert reading.energy_wh == 7
        assert reading.extra == phases


def test_case_61_phases_of_the_other_values() -> None:
    samples = [
        sample(str(value), measurand, phase=phase)
        for measurand, values in (
            ("Power.Active.Import", (1000, 2000, 3000)),
            ("Current.Import", (10, 16, 12)),
            ("Voltage", (230, 231, 232)),
        )
        for phase, value in zip(("L1-N", "L2-N", "L3-N"), values, strict=True)
    ]
    reading = only(meter([*samples, sample("400", "Voltage", phase="L1-L2"), *samples]))
    assert reading.power_w == 6000
    assert (reading.current_a, reading.voltage_v) == (Decimal("16.00"), Decimal("231.00"))


def test_case_61_no_double_count_of_locations_and_repetitions() -> None:
    outlet, inlet = sample("5", location="Outlet"), sample("9", location="Inlet")
    interval, again = sample("1", "Energy.Active.Import.Interval"), sample("6")
    reading = only(meter([inlet, outlet, interval, again]))
    assert reading.energy_wh == 5
    assert reading.extra == [inlet, interval, again]


def test_values_of_one_time_are_one_reading() -> None:
    values = [
        {"timestamp": AT, "sampledValue": [sample("5")]},
        {"timestamp": "2026-11-20T18:59:00+07:00", "sampledValue": [sample("230", "Voltage")]},
    ]
    reading = only(read("MeterValues", {"connectorId": 1, "meterValue": values}))
    assert (reading.energy_wh, reading.voltage_v) == (5, Decimal("230.00"))


def test_case_62_signed_data_is_kept_byte_exact() -> None:
    signed = sample('OCMF|{"FV":"1.0", "é":1}|{"SD":"30"}', format="SignedData")
    reading = only(meter([signed, sample("5")]))
    assert (reading.energy_wh, reading.extra) == (5, [signed])


@pytest.mark.parametrize(("raw", "expected"), [(12, "12"), (0, ""), (-1, ""), (None, "")])
def test_case_55_the_transaction_of_meter_values(raw: Any, expected: str) -> None:
    inbound = meter([sample("5")], transactionId=raw)
    assert isinstance(inbound.input, Readings)
    assert inbound.input.transaction_id == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(12, "12"), ("12", "12"), (-1, "-1"), (0, "0"), (1e25, None), (2**63, "0")],
)
def test_case_46_a_stop_is_read_whatever_its_transaction(raw: Any, expected: str | None) -> None:
    payload = {"transactionId": raw, "meterStop": 5, "timestamp": AT}
    if expected is None:
        text = orjson.dumps([2, "1", "StopTransaction", payload]).decode()
        assert not isinstance(Connection("1.6").receive_text(text, NOW), IncomingCall)
        return
    stop = read("StopTransaction", payload).input
    assert isinstance(stop, SessionStop)
    assert stop.transaction_id == expected


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
    assert not bare.input.is_time_plausible
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
    assert stop.is_time_plausible
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
