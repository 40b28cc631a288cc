"""Group commit: one bad item, a database that fails, a queue that is full, and what it costs."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from chargepoints.domain.reports import StatusReport
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Station
from csms.common.clock import now
from csms.common.partitions import create_partitions
from ocpp_gateway import dispatch
from ocpp_gateway.models import Message
from ocpp_gateway.services import archive
from ocpp_gateway.services.archive import ArchiveRow
from ocpp_gateway.telemetry import BatchWriter, Item, TelemetryWriter
from tests.ocpp_gateway.payloads import meter_values
from tests.ocpp_gateway.servers import Charger, start_of, until
from tests.support.factories import connector_of, make_station
from tests.support.threads import meanwhile
from transactions.domain.inputs import ReadingInput, Readings
from transactions.models import Reading, Session

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def row(station_id: int, payload: str = "{}") -> ArchiveRow:
    return ArchiveRow(now(), station_id, 1, "IN", "CALL", "MeterValues", "1", payload)


def measured(station_id: int, energy: int, **values: object) -> Item:
    reading = ReadingInput(AT, energy, **values)  # type: ignore[arg-type]
    readings = Readings(now(), 1, 1, "", (reading,))
    return Item(station_id, row(station_id), readings=readings)


def reported(station_id: int) -> Item:
    report = StatusReport(now(), 0, 0, ConnectorStatus.AVAILABLE)
    return Item(station_id, row(station_id), status=report)


def test_one_bad_item_fails_alone(station: Station) -> None:
    good = [measured(station.pk, energy) for energy in range(9)]
    bad = reported(-1)  # a station that does not exist
    assert list(BatchWriter().write([*good[:5], bad, *good[5:]])) == [bad]
    assert set(Reading.objects.values_list("energy_wh", flat=True)) == set(range(9))
    assert Message.objects.count() == 9


def test_everything_that_a_charger_measures_arrives_unchanged(station: Station) -> None:
    extra = [{"measurand": "Temperature", "value": 'tab\there "quoted" \\ back\nline', "unit": "ö"}]
    item = measured(
        station.pk,
        7,
        power_w=-3,
        soc_percent=Decimal("55.50"),
        current_a=Decimal("31.25"),
        voltage_v=Decimal("400.1"),
        context="Sample.Periodic",
        extra=extra,
    )
    text = '[2,"1","X",{"a":"\\t \\\\N \\u0e01"}]\t\\N\r\n'
    item.archive = row(station.pk, text)
    assert BatchWriter().write([item]) == {}
    stored = Reading.objects.get()
    assert (stored.power_w, stored.soc_percent, stored.current_a) == (
        -3,
        Decimal("55.5"),
        Decimal("31.25"),
    )
    assert (stored.context, stored.extra, stored.measured_at) == ("Sample.Periodic", extra, AT)
    assert stored.connector_id == connector_of(station).pk
    assert Message.objects.get().payload == text


@pytest.mark.parametrize("size", [1, 60])
def test_a_batch_costs_the_same_few_queries_whatever_its_size(station: Station, size: int) -> None:
    stations = [make_station() for _number in range(size)]
    writer = BatchWriter()
    items = [measured(place.pk, 1) for place in stations]
    writer.write(items)  # learns the connectors
    with CaptureQueriesContext(
        connection,
    ) as queries:
        writer.write(items)
    # Which session is open, the readings, the frames; and BEGIN and COMMIT.
    statements = [q["sql"] for q in queries if q["sql"].split()[0] in ("SELECT", "INSERT", "COPY")]
    assert len(statements) == 3


def test_a_transaction_that_fails_answers_an_error_and_the_next_one_is_well(
    socket: Charger, station: Station
) -> None:
    outage = OperationalError("the database is down")
    with mock.patch("ocpp_gateway.telemetry.store_messages", side_effect=outage):
        refusal = socket.exchange([2, "m1", "MeterValues", meter_values(1)])
        assert refusal[:3] == [4, "m1", "InternalError"]
        assert socket.call("Heartbeat", {})["currentTime"]
    assert socket.call("MeterValues", meter_values(2)) == {}
    assert list(Reading.objects.values_list("energy_wh", flat=True)) == [2]


def test_a_start_is_not_confirmed_while_the_database_is_down(socket: Charger) -> None:
    start = start_of("CARD", 5)
    with mock.patch.object(dispatch, "start_session", side_effect=OperationalError("down")):
        refusal = socket.exchange([2, "s1", "StartTransaction", start])
    assert refusal[:3] == [4, "s1", "InternalError"]
    assert socket.exchange([2, "s1", "StartTransaction", start])[0] == 3
    assert Session.objects.count() == 1


@pytest.fixture
def pool_without_dead_connections() -> Iterator[None]:
    """To be asked for before the server: its threads give theirs back when it stops.

    Else whichever test is lent one next fails.
    """
    yield
    connection.pool.check()  # type: ignore[attr-defined]


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to restart")
@pytest.mark.usefixtures("pool_without_dead_connections", "socket")
def test_lost_database_connections_heal(socket: Charger, station: Station) -> None:
    socket.start("CARD", 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.pool.check()  # type: ignore[attr-defined]  # those that nobody uses
    start = start_of("CARD", 7)
    until(lambda: socket.exchange([2, "again", "StartTransaction", start])[0] == 3)
    until(lambda: socket.exchange([2, "m", "MeterValues", meter_values(9)])[0] == 3)
    until(lambda: Message.objects.filter(action="StartTransaction", direction="OUT").count() >= 2)


async def test_a_full_queue_holds_the_sockets_back_and_loses_nothing() -> None:
    may_write, is_writing = threading.Event(), threading.Event()
    written: list[Item] = []

    def write(items: list[Item]) -> dict[Item, Exception]:
        is_writing.set()
        assert may_write.wait(10)
        written.extend(items)
        return {}

    telemetry = TelemetryWriter(capacity=3, batch_size=2)
    with mock.patch.object(BatchWriter, "write", side_effect=write):
        telemetry.start()
        for _item in range(6):
            telemetry.archive(row(1))
        assert await asyncio.to_thread(is_writing.wait, 10)
        assert telemetry.is_full  # the first batch is in the thread, four items wait
        waiting = asyncio.create_task(telemetry.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        may_write.set()
        await asyncio.wait_for(waiting, 5)
        await telemetry.stop()
    assert len(written) == 6


@pytest.mark.parametrize("failure", [OperationalError("down"), RuntimeError("odd")])
async def test_an_outage_keeps_frames_as_far_as_there_is_room_and_the_lane_goes_on(
    failure: Exception,
) -> None:
    written: list[Item] = []
    outcomes: list[Exception | None] = [failure, None, None]
    is_back, loop = asyncio.Event(), asyncio.get_running_loop()

    def write(items: list[Item]) -> dict[Item, Exception]:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        written.extend(items)
        loop.call_soon_threadsafe(is_back.set)
        return {}

    telemetry = TelemetryWriter(capacity=3, batch_size=4)
    with (
        mock.patch.object(BatchWriter, "write", side_effect=write),
        mock.patch("ocpp_gateway.telemetry.PAUSE_AFTER_OUTAGE_SECONDS", 0),
    ):
        answered = telemetry.submit(measured(1, 1))
        for _item in range(8):  # five stay behind the first batch: more than there is room for
            telemetry.archive(row(1))
        telemetry.start()
        with pytest.raises(type(failure)):
            await asyncio.wait_for(answered, 5)
        await asyncio.wait_for(is_back.wait(), 5)  # until then whoever wants an answer is refused
        await asyncio.wait_for(telemetry.submit(measured(1, 2)), 5)
        await telemetry.stop()
    assert len(written) == 6


async def test_an_outage_fails_all_that_wait_and_keeps_no_more_than_there_is_room_for() -> None:
    telemetry = TelemetryWriter(capacity=3, batch_size=1)
    with (
        mock.patch.object(BatchWriter, "write", side_effect=OperationalError("down")) as write,
        mock.patch("ocpp_gateway.telemetry.PAUSE_AFTER_OUTAGE_SECONDS", 60),
    ):
        waiting = [telemetry.submit(measured(1, number)) for number in range(3)]
        telemetry.start()
        for one in waiting:  # one attempt, which took seconds in earnest, tells all of them
            with pytest.raises(OperationalError):
                await asyncio.wait_for(one, 5)
        assert write.call_count == 1
        for _row in range(10):
            telemetry.archive(row(1))
        assert len(telemetry) == 3
        with pytest.raises(OperationalError):
            await asyncio.wait_for(telemetry.submit(measured(1, 9)), 5)
        assert len(telemetry) == 3
        for task in telemetry.tasks:
            task.cancel()


async def test_what_an_outage_left_is_written_without_waiting_for_more() -> None:
    """By whichever of the writers is free: the other one may be asleep."""
    written: list[Item] = []
    outcomes: list[Exception | None] = [OperationalError("down"), None]
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def write(items: list[Item]) -> dict[Item, Exception]:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        written.extend(items)
        loop.call_soon_threadsafe(done.set)
        return {}

    telemetry = TelemetryWriter(capacity=10, batch_size=4, writers=2)
    with (
        mock.patch.object(BatchWriter, "write", side_effect=write),
        mock.patch("ocpp_gateway.telemetry.PAUSE_AFTER_OUTAGE_SECONDS", 60),
    ):
        telemetry.start()
        telemetry.archive(row(1))
        await asyncio.wait_for(done.wait(), 5)
        assert len(written) == 1
        for task in telemetry.tasks:
            task.cancel()


# --- Retention ----------------------------------------------------------------------------------


def test_old_frames_are_deleted_and_coming_months_are_prepared(station: Station) -> None:
    young, old = now() - timedelta(days=89), now() - timedelta(days=91)
    ancient = now() - timedelta(days=400)
    with transaction.atomic():
        archive.store_messages([row(station.pk)._replace(at=at) for at in (young, old, ancient)])
    archive.make_partitions(now())
    archive.expire_messages(now())
    assert Message.objects.get().at == young


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has partitions")
def test_a_month_that_is_over_goes_as_a_whole(station: Station) -> None:
    long_ago = datetime(2020, 1, 15, tzinfo=UTC)
    create_partitions(connection, Message._meta.db_table, long_ago.date(), 1)
    with transaction.atomic():
        archive.store_messages([row(station.pk)._replace(at=long_ago), row(station.pk)])
    with (
        mock.patch("csms.common.partitions.LOCK_TIMEOUT", "50ms"),
        meanwhile(lambda: Message.objects.filter(at=long_ago).get()),
    ):
        # Somebody reads it: no writer may wait until that is over, and the month goes as a whole.
        assert archive.expire_messages(now()) == 0
        archive.make_partitions(now())
    assert archive.expire_messages(now()) == 1  # one partition, and no row by itself
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ocpp_gateway_message_2020_01')")
        assert cursor.fetchone() == (None,)
    assert Message.objects.count() == 1
