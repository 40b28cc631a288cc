"""OCPP 1.6 meter values as neutral inputs: cases 55 and 57 to 62 of the requirements."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.ocpp_gateway.v16_payloads import AT, kinds, meter, only, read, sample
from transactions.domain.inputs import ReadingInput, Readings


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
