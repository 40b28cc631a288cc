"""Statuses, clocks, sessions, readings of odd chargers over a real socket: cases 37 to 64."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from chargepoints.models import Connector, ConnectorStatusEvent, Station, StationAnomaly
from tests.ocpp_gateway.payloads import status
from tests.ocpp_gateway.servers import Charger, charger, running_server, stop_of
from tests.support.factories import connector_of, make_id_token, make_tariff
from transactions.domain.states import SessionState
from transactions.models import Reading, ReviewItem, Session

LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)
SOME_TIME = "2026-11-01T00:00:00Z"


@pytest.fixture
def today() -> datetime:
    """When the test begins; not when its module was read, which may be many minutes before."""
    return datetime.now(UTC).replace(microsecond=0)


def at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def measured(moment: datetime, *samples: Any, **fields: Any) -> dict[str, Any]:
    """MeterValues; a sample that is a number is the energy register in Wh."""
    values = [{"value": str(found)} if isinstance(found, int) else found for found in samples]
    meter = [{"timestamp": at(moment), "sampledValue": values}]
    return {"connectorId": 1, "meterValue": meter, **fields}


def kinds_of_review() -> set[str]:
    return set(ReviewItem.objects.values_list("kind", flat=True))


# --- Status and clock ---------------------------------------------------------------------------


def test_case_37_error_codes_of_the_vendors_own_are_stored_as_they_came(
    socket: Charger, station: Station
) -> None:
    odd = {"errorCode": "E-17: door", "vendorId": "Acme", "vendorErrorCode": "0x1F"}
    assert socket.call("StatusNotification", {**status("Faulted"), **odd}) == {}
    stored = connector_of(station)
    assert (stored.status, stored.error_code) == ("Faulted", "E-17: door")
    assert stored.vendor_error_code == "0x1F"
    assert ConnectorStatusEvent.objects.get().error_code == "E-17: door"


def test_case_38_available_before_the_stop_leaves_the_session_open(
    socket: Charger, station: Station, today: datetime
) -> None:
    began = today - timedelta(minutes=30)
    number = socket.start(meter=0, timestamp=at(began))["transactionId"]
    socket.call("StatusNotification", status("Available"))
    assert Session.objects.get().state == SessionState.ACTIVE
    socket.stop(number, 5_000)
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 5_000)


@pytest.mark.parametrize(
    ("form", "ahead", "is_right"),
    [
        ("%Y-%m-%dT%H:%M:%S", 0, True),
        ("%Y-%m-%dT%H:%M:%S.1234567Z", 0, True),
        ("%Y-%m-%dT%H:%M:%S+02", 2, True),
        ("%Y-%m-%dT%H:%M:%S+07:00", 7, True),
        ("1970-01-01T00:00:00Z", 0, False),
        ("2000-01-01T00:00:00Z", 0, False),
        ("2106-02-07T06:28:15Z", 0, False),
        ("yesterday", 0, False),
        ("", 0, False),
    ],
)
def test_case_40_a_start_with_any_time_is_answered_and_an_implausible_one_does_not_count(
    socket: Charger, today: datetime, form: str, ahead: int, is_right: bool
) -> None:
    written = (today + timedelta(hours=ahead)).strftime(form)
    number = socket.start(timestamp=written)["transactionId"]
    session = Session.objects.get(pk=number)
    assert session.started_at is not None
    assert abs(session.started_at - today) < timedelta(minutes=2)
    if is_right:
        assert session.charger_started_at is not None
        assert abs(session.charger_started_at - today) < timedelta(seconds=1)


def test_case_41_a_clock_that_sends_local_time_as_utc_is_flagged_and_durations_count(
    socket: Charger, station: Station, today: datetime
) -> None:
    make_id_token("CARD")
    make_tariff(station.site.operator)
    ahead = timedelta(hours=7)
    socket.call("StatusNotification", status("Preparing", timestamp=at(today + ahead)))
    assert StationAnomaly.objects.filter(kind="clock_fault").exists()
    number = socket.start(meter=0, timestamp=at(today + ahead))["transactionId"]
    socket.stop(number, 10, timestamp=at(datetime.now(UTC) + ahead))
    session = Session.objects.get()
    assert session.charger_started_at == today + ahead
    assert session.started_at is not None
    assert session.ended_at is not None
    assert abs(session.started_at - today) < timedelta(minutes=2)
    assert timedelta(0) <= session.ended_at - session.started_at < timedelta(minutes=2)
    assert "CLOCK_FAULT" in kinds_of_review()


# --- Sessions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meter", "late"),
    [(5_000, timedelta(hours=-3)), (5_000, timedelta(minutes=30)), (500, timedelta(0))],
    ids=["ends before it starts", "ends in the future", "meter runs backwards"],
)
def test_case_49_what_cannot_be_right_is_answered_held_and_reviewed(
    socket: Charger, station: Station, today: datetime, meter: int, late: timedelta
) -> None:
    make_id_token("CARD")
    make_tariff(station.site.operator)
    began = today - timedelta(hours=1)
    number = socket.start(meter=1_000, timestamp=at(began))["transactionId"]
    assert isinstance(socket.stop(number, meter, timestamp=at(today + late)), dict)
    session = Session.objects.get()
    assert (session.state, session.is_held) == (SessionState.ENDED, True)
    assert kinds_of_review() & {"CLOCK_FAULT", "IMPOSSIBLE_METER"}
    flag = ReviewItem.objects.first()
    assert flag is not None
    assert json.loads(flag.raw["frame"])[3]["meterStop"] == meter


def test_case_51_a_stop_of_2_mb_is_stored(station: Station, today: datetime) -> None:
    began = today - timedelta(hours=6)
    data = [
        {
            "timestamp": at(began + timedelta(seconds=second)),
            "sampledValue": [{"value": str(second), "unit": "Wh", "context": "Sample.Periodic"}],
        }
        for second in range(18_000)
    ]
    with running_server() as server, charger(server, station) as socket:
        socket.boot()
        number = socket.start(meter=0, timestamp=at(began))["transactionId"]
        stop = stop_of(number, 18_000, timestamp=at(today), transactionData=data)
        assert len(json.dumps(stop)) > 2_000_000
        socket.send([2, "long", "StopTransaction", stop])
        assert socket.receive(60)[:2] == [3, "long"]
        assert socket.call("Heartbeat", {})["currentTime"]
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 18_000)
    assert Reading.objects.filter(session=session).count() == 18_000


@pytest.mark.parametrize("reservation", [0, -1, 77])
def test_case_56_a_start_with_a_reservation_of_nobody_is_a_start(
    socket: Charger, station: Station, reservation: int
) -> None:
    make_id_token("CARD")
    started = socket.start("CARD", 0, reservationId=reservation)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert Session.objects.get().state == SessionState.ACTIVE


# --- Meter values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        ({"meterValue": []}, []),
        ({"meterValue": {"timestamp": SOME_TIME, "sampledValue": {"value": "5"}}}, [5]),
        ({"meterValue": [{"timestamp": SOME_TIME, "sampledValue": []}]}, []),
        (measured(LONG_AGO, {"value": 1500}), [1500]),
        (measured(LONG_AGO, {"value": "12,5"}), [13]),
        (measured(LONG_AGO, {"value": "1e3"}), [1000]),
        (measured(LONG_AGO, {"value": ""}, {"value": "NaN"}), [None]),
    ],
)
def test_case_57_values_that_are_no_values_are_answered_and_what_can_be_read_is_stored(
    socket: Charger, station: Station, payload: dict[str, Any], stored: list[int | None]
) -> None:
    assert socket.call("MeterValues", {"connectorId": 1, **payload}) == {}
    assert list(Reading.objects.values_list("energy_wh", flat=True)) == stored


def test_case_58_and_62_unknown_words_and_signed_data_are_kept_as_they_came(
    socket: Charger, station: Station, today: datetime
) -> None:
    odd = [
        {"value": "1", "measurand": "Energy.Magic", "unit": "furlong"},
        {"value": "2", "measurand": "Voltage", "phase": "L9", "location": "Moon"},
        {"value": 'OCMF|{"FV":"1.0", "é":1}|{"SD":"30"}', "format": "SignedData"},
    ]
    assert socket.call("MeterValues", measured(today, *odd, 5)) == {}
    reading = Reading.objects.get()
    assert (reading.energy_wh, reading.voltage_v, reading.extra) == (5, None, odd)


@pytest.mark.parametrize(
    ("sample", "energy"),
    [
        ({"value": "1234"}, 1234),
        ({"value": "1234", "unit": "Wh"}, 1234),
        ({"value": "10.123", "unit": "kWh"}, 10_123),
        ({"value": 0.1, "unit": "kWh"}, 100),
    ],
)
def test_case_59_energy_is_stored_in_whole_watt_hours(
    socket: Charger, station: Station, today: datetime, sample: dict[str, Any], energy: int
) -> None:
    socket.call("MeterValues", measured(today, sample))
    assert Reading.objects.get().energy_wh == energy


@pytest.mark.parametrize(
    ("start", "registers", "stop"),
    [
        (1_000_000, [1_000_500, 1_001_000], 1_002_000),
        (1_000_000, [1_001_000, 0, 1_001_500], 1_002_000),
        (1_000_000, [0, 1_000_500, 1_001_000], 1_002_000),
        (1_000_000, [1_001_000, 500], 1_000),
        (1_000_000, [500, 1_000], 1_002_000),
        (0, [500, 1_000], 2_000),
        (2**32 - 1_000, [2**32 - 500, 500], 1_000),
    ],
    ids=[
        *("of its lifetime", "one 0 on the way", "one 0 after power-up", "reset on the way"),
        *("readings of the session", "all of the session", "32 bits are full"),
    ],
)
def test_case_60_a_register_that_falls_costs_no_energy_and_makes_none(
    socket: Charger, station: Station, today: datetime, start: int, registers: list[int], stop: int
) -> None:
    began = today - timedelta(hours=1)
    number = socket.start(meter=start, timestamp=at(began))["transactionId"]
    for place, register in enumerate(registers, 1):
        moment = began + timedelta(minutes=10 * place)
        socket.call("MeterValues", measured(moment, register, transactionId=number))
    socket.stop(number, stop)
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 2_000)
    assert not session.is_held


@pytest.mark.parametrize("has_total", [True, False])
def test_case_61_phases_make_the_total_only_where_none_is_sent(
    socket: Charger, station: Station, today: datetime, has_total: bool
) -> None:
    power = {"measurand": "Power.Active.Import", "unit": "W"}
    samples = [{"value": "1000", "phase": phase, **power} for phase in ("L1", "L2", "L3")]
    if has_total:
        samples.append({"value": "3100", **power})
    socket.call("MeterValues", measured(today, *samples))
    assert Reading.objects.get().power_w == (3100 if has_total else 3000)


def test_case_63_start_and_stop_alone_are_a_session_and_a_stop_without_register_is_held(
    socket: Charger, station: Station, today: datetime
) -> None:
    began = today - timedelta(hours=1)
    first = socket.start(meter=100, timestamp=at(began))["transactionId"]
    socket.stop(first, 5_100)
    second = socket.start(meter=5_100)["transactionId"]
    stop = {"transactionId": second, "timestamp": at(datetime.now(UTC))}
    assert socket.call("StopTransaction", stop) == {}
    known, unknown = Session.objects.order_by("pk")
    assert (known.state, known.energy_wh, known.is_held) == (SessionState.ENDED, 5_000, False)
    assert (unknown.state, unknown.is_held) == (SessionState.ENDED, True)


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no locks of rows")
def test_case_64_readings_do_not_wait_for_the_row_of_their_session(
    socket: Charger, station: Station, today: datetime
) -> None:
    number = socket.start(meter=0)["transactionId"]
    with transaction.atomic():
        Session.objects.select_for_update().get(pk=number)
        Connector.objects.select_for_update().get(pk=connector_of(station).pk)
        assert socket.call("MeterValues", measured(today, 5, transactionId=number)) == {}
    assert Reading.objects.get().session_id == number
