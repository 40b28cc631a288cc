"""What is found from the rows: interrupted, unplugged, unpriced and old ones."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from chargepoints.models import Alert, ConnectorStatusEvent, Station
from chargepoints.services import alerts
from csms.common import clock, events
from tests.support.factories import (
    connector_of,
    make_id_token,
    make_operator,
    make_site,
    make_station,
    make_superadmin,
    make_tariff,
)
from tests.transactions.support import EVENING, report, start, stop
from transactions import tasks
from transactions.domain.inputs import ReadingInput
from transactions.domain.states import SessionState
from transactions.events import SessionEnded, SessionPriceChanged
from transactions.models import Reading, ReviewItem, Session, SessionEvent
from transactions.schedule import BEAT_SCHEDULE
from transactions.services import (
    interrupt,
    late_readings,
    pricing,
    retention,
    silence,
    unplugged,
)
from transactions.services.ending import last_known_moment
from transactions.services.readings import ReadingRow, reading_rows, store_readings
from transactions.services.reviewing import resolve

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
Queries = Callable[..., AbstractContextManager[object]]


@pytest.fixture
def station() -> Station:
    operator = make_operator()
    make_tariff(operator, price_per_kwh="10", idle_price_per_minute="2", idle_grace_minutes=5)
    make_id_token("CARD1")
    return make_station(site=make_site(operator), connectors=2)


def interrupted(station: Station) -> Session:
    """A session with a reading at minute 10, and a boot at minute 20."""
    session_id = start(station).transaction_id
    report(session_id, (EVENING + 10 * MINUTE, 4_000))
    assert interrupt.mark_interrupted(station.pk, EVENING + 20 * MINUTE) == 1
    session = Session.objects.get(pk=session_id)
    assert session.state == SessionState.INTERRUPTED
    return session


def test_a_silent_interrupted_session_ends_after_grace_with_its_last_reading(
    station: Station,
) -> None:
    session = interrupted(station)
    assert interrupt.settle_interrupted(EVENING + 29 * MINUTE) == 0
    assert interrupt.settle_interrupted(EVENING + 30 * MINUTE) == 1
    session.refresh_from_db()
    assert (session.state, session.end_reason) == ("ENDED", "Interrupted")
    assert (session.ended_at, session.energy_wh) == (EVENING + 10 * MINUTE, 3_000)
    assert session.total_gross == Decimal("30.00")
    # The stop that the charger had kept comes at last: its values replace ours, once.
    for _time in range(2):
        stop(
            station,
            session.pk,
            EVENING + 12 * MINUTE,
            meter=5_000,
            reason="PowerLoss",
            received_at=EVENING + 60 * MINUTE,
        )
    session.refresh_from_db()
    assert (session.end_reason, session.energy_wh) == ("PowerLoss", 4_000)
    assert session.total_gross == Decimal("40.00")
    assert not ReviewItem.objects.exists()


def test_an_interrupted_session_that_sends_readings_goes_on(station: Station) -> None:
    session = interrupted(station)
    report(session.pk, (EVENING + 21 * MINUTE, 5_000))
    assert interrupt.settle_interrupted(EVENING + 22 * MINUTE) == 1
    session.refresh_from_db()
    assert (session.state, session.interrupted_at) == (SessionState.ACTIVE, None)
    stop(station, session.pk)
    assert [e.kind for e in session.events.all()] == ["started", "interrupted", "resumed", "ended"]


def test_a_session_that_cannot_be_settled_holds_up_no_other(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = interrupted(station)
    make_id_token("CARD2")
    good = start(station, EVENING, evse_id=2, token="CARD2").transaction_id
    assert interrupt.mark_interrupted(station.pk, EVENING + 21 * MINUTE) == 1

    def broken(session: Session) -> datetime:
        if session.pk == bad.pk:
            raise ZeroDivisionError
        return last_known_moment(session)

    monkeypatch.setattr("transactions.services.interrupt.last_known_moment", broken)
    assert interrupt.settle_interrupted(EVENING + 40 * MINUTE) == 1
    assert Session.objects.get(pk=good).state == SessionState.ENDED
    assert Session.objects.get(pk=bad.pk).state == SessionState.INTERRUPTED
    monkeypatch.undo()
    assert interrupt.settle_interrupted(EVENING + 41 * MINUTE) == 1


@pytest.mark.parametrize("place", ["price", "measure_ended"])
def test_a_busy_database_is_no_fault_of_the_price_and_a_bug_is_for_people(
    station: Station, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    session_id = start(station).transaction_id
    stop(station, session_id)
    Session.objects.filter(pk=session_id).update(priced_at=None)
    next_week = EVENING + timedelta(days=7)

    def failing(error: Exception) -> Callable[..., None]:
        def fail(*_args: object) -> None:
            raise error

        return fail

    with monkeypatch.context() as patch:
        patch.setattr(pricing, place, failing(OperationalError("deadlock detected")))
        with pytest.raises(OperationalError):
            pricing.price_due(next_week)
        assert not ReviewItem.objects.exists()
        patch.setattr(pricing, place, failing(ArithmeticError("bug")))
        assert pricing.price_due(next_week) == 0
        assert ReviewItem.objects.get().kind == "NOT_PRICED"


@pytest.mark.parametrize("count", [1, 12])
def test_however_many_sessions_a_batch_resumes_it_takes_as_many_queries(
    station: Station, count: int, django_assert_num_queries: Queries
) -> None:
    """After a power cut of many sites all other chargers of the gateway wait for this batch."""
    site = station.site
    rows = []
    for number in range(count):
        other = make_station(site=site)
        make_id_token(f"CARD-{number}")
        session_id = start(other, token=f"CARD-{number}").transaction_id
        assert interrupt.mark_interrupted(other.pk, EVENING + 20 * MINUTE) == 1
        received_at = EVENING + (21 + number) * MINUTE
        reading = ReadingInput(measured_at=received_at, energy_wh=5_000)
        rows.append(ReadingRow(received_at, other.pk, None, session_id, reading))
    with transaction.atomic():
        with django_assert_num_queries(5):  # savepoint, lock, sessions, events, savepoint's end
            assert interrupt.resume_by(rows) == count
        with django_assert_num_queries(3):  # what goes on already is looked at once
            assert interrupt.resume_by(rows) == 0
    resumed = Session.objects.filter(state=SessionState.ACTIVE, interrupted_at=None)
    assert {session.pk for session in resumed} == {row.session_id for row in rows}
    events_at = SessionEvent.objects.filter(kind="resumed").values_list("session_id", "at")
    assert dict(events_at) == {row.session_id: row.received_at for row in rows}


@pytest.mark.parametrize("is_superseded", [False, True])
def test_readings_that_come_after_an_inferred_end_still_count(
    station: Station, is_superseded: bool
) -> None:
    session = interrupted(station)
    if is_superseded:
        start(station, EVENING + 30 * MINUTE, token="CARD2")
    else:
        interrupt.settle_interrupted(EVENING + 30 * MINUTE)
    report(session.pk, (EVENING + 40 * MINUTE, 9_000))
    assert late_readings.extend_inferred(EVENING + 41 * MINUTE) == 1
    assert late_readings.extend_inferred(EVENING + 42 * MINUTE) == 0
    session.refresh_from_db()
    assert (session.ended_at, session.energy_wh) == (EVENING + 40 * MINUTE, 8_000)
    assert session.total_gross == Decimal("80.00")
    stop(station, session.pk, EVENING + 50 * MINUTE, meter=9_500)
    report(session.pk, (EVENING + 55 * MINUTE, 9_900))
    assert late_readings.extend_inferred(EVENING + 56 * MINUTE) == 0
    session.refresh_from_db()
    assert session.energy_wh == 8_500


def test_a_clock_that_jumps_in_mid_session_costs_no_energy_and_makes_none(
    station: Station,
) -> None:
    """A reading of 1970, one a day back, one a day ahead and one that is sent twice."""
    day = timedelta(days=1)
    session_id = start(station, EVENING - day, received_at=EVENING).transaction_id
    for minute, register, jump in (
        (10, 2_000, timedelta(0)),
        (20, 3_000, datetime(1970, 1, 1, tzinfo=UTC) - EVENING),
        (30, 4_000, -day),
        (40, 5_000, day),
    ):
        at = EVENING + minute * MINUTE
        reading = ReadingInput(measured_at=at + jump, energy_wh=register)
        for repeated in range(2):
            received_at = at + repeated * 25 * MINUTE
            store_readings(reading_rows(station.pk, None, session_id, received_at, [reading]))
    interrupt.mark_interrupted(station.pk, EVENING + 70 * MINUTE)
    assert interrupt.settle_interrupted(EVENING + 80 * MINUTE) == 1
    session = Session.objects.get()
    assert (session.energy_wh, session.is_held) == (4_000, False)
    assert session.ended_at is not None
    assert session.ended_at <= EVENING + 65 * MINUTE


def test_a_connector_that_says_charging_after_the_boot_goes_on_too(station: Station) -> None:
    session = interrupted(station)
    connector = connector_of(station)
    connector.status = "Charging"
    for minute, state in ((19, "INTERRUPTED"), (21, "ACTIVE")):
        connector.status_at = EVENING + minute * MINUTE
        connector.save()
        interrupt.settle_interrupted(EVENING + 22 * MINUTE)
        session.refresh_from_db()
        assert session.state == state


def test_a_stop_ends_an_interrupted_session_and_a_start_after_the_boot_is_not_in_doubt(
    station: Station,
) -> None:
    session = interrupted(station)
    newer = start(station, EVENING + 21 * MINUTE, evse_id=2)
    assert interrupt.mark_interrupted(station.pk, EVENING + 20 * MINUTE) == 0
    stop(station, session.pk)
    assert Session.objects.get(pk=session.pk).energy_wh == 10_000
    assert Session.objects.get(pk=newer.transaction_id).state == SessionState.ACTIVE


def test_a_car_that_stays_plugged_pays_until_it_leaves(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flow ends at minute 30, grace 5; stopped at 40: 5 min idle; unplugged at 75: 40 min."""
    published: list[events.Event] = []
    monkeypatch.setattr("transactions.services.pricing.publish", published.append)
    session_id = start(station).transaction_id
    report(session_id, (EVENING + 30 * MINUTE, 11_000))
    stop(station, session_id, EVENING + 40 * MINUTE)
    session = Session.objects.get()
    assert session.total_gross == Decimal("110.00")
    for minute, status in ((41, "Finishing"), (75, "Available"), (80, "Available")):
        at = EVENING + minute * MINUTE
        ConnectorStatusEvent.objects.create(
            station=station,
            connector=connector_of(station),
            status=status,
            reported_at=at,
            received_at=at,
        )
    assert unplugged.record_unplugged(EVENING + 90 * MINUTE) == 1
    assert unplugged.record_unplugged(EVENING + 91 * MINUTE) == 0
    session.refresh_from_db()
    assert session.unplugged_at == EVENING + 75 * MINUTE
    assert session.total_gross == Decimal("180.00")
    assert published == [SessionPriceChanged(session_id)]
    assert [e.kind for e in session.events.all()][-2:] == ["unplugged", "repriced"]


def test_releasing_a_held_session_needs_all_its_items_resolved(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[events.Event] = []
    monkeypatch.setattr("transactions.services.reviewing.publish", published.append)
    session_id = start(station).transaction_id
    stop(station, session_id, EVENING - MINUTE, meter=500, received_at=EVENING + 60 * MINUTE)
    items = list(ReviewItem.objects.order_by("pk"))
    assert sorted(item.kind for item in items) == ["CLOCK_FAULT", "IMPOSSIBLE_METER"]
    person = make_superadmin()
    resolve(items[0].pk, actor=person, resolution="Clock was wrong.")
    assert Session.objects.get().is_held
    resolve(items[1].pk, actor=person, resolution="No energy.", release=True)
    assert not Session.objects.get().is_held
    assert published == [SessionEnded(session_id)]
    assert ReviewItem.objects.filter(resolved_by=person).count() == 2


def test_old_readings_go_and_prices_stay(station: Station) -> None:
    """On PostgreSQL a month that is over goes as a whole, the month of the limit by rows."""
    session_id = start(station).transaction_id
    stop(station, session_id)
    now = datetime(2030, 6, 15, tzinfo=UTC)
    limit = now - timedelta(days=settings.READING_RETENTION_DAYS)
    times = [EVENING, limit - timedelta(days=1), limit + timedelta(days=1), now]
    for at in times:
        rows = reading_rows(station.pk, None, session_id, at, [ReadingInput(at, 1)])
        store_readings(rows)
    assert retention.delete_old_readings(now) >= 2
    assert sorted(Reading.objects.values_list("received_at", flat=True)) == times[2:]
    assert Session.objects.get().total_gross == Decimal("100.00")


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL partitions only")
def test_coming_months_have_partitions_and_old_ones_are_dropped() -> None:
    def partitions() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT inhrelid::regclass::text FROM pg_inherits "
                "WHERE inhparent = 'transactions_reading'::regclass ORDER BY 1"
            )
            return [row[0] for row in cursor.fetchall()]

    retention.create_reading_partitions(datetime(2040, 1, 31, tzinfo=UTC))
    assert "transactions_reading_2040_12" in partitions()
    retention.delete_old_readings(datetime(2042, 7, 1, tzinfo=UTC))
    left = partitions()
    assert left[0] == "transactions_reading_2040_07"
    assert left[-1] == "transactions_reading_default"


def test_every_scheduled_job_exists_and_finds_its_work(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = interrupted(station)
    monkeypatch.setattr(tasks, "now", lambda: clock.now() + timedelta(days=365))
    for entry in BEAT_SCHEDULE.values():
        module, name = entry["task"].rsplit(".", 1)
        assert module == "transactions.tasks"
        getattr(tasks, name).delay()
    tasks.price_session.delay(session.pk)
    session.refresh_from_db()
    assert session.state == SessionState.ENDED
    assert session.priced_at is not None


def test_a_station_offline_in_a_session_alerts_once_for_each_silence(station: Station) -> None:
    def sweep(minute: int, *, seen: int, online: bool = False) -> list[tuple[int, bool]]:
        """After a sweep at `minute`: how often each alert counted, and whether it is open."""
        Station.objects.update(last_seen_at=EVENING + seen * MINUTE, is_online=online)
        silence.alert_silent(EVENING + minute * MINUTE)
        rows = Alert.objects.order_by("pk").values_list("count", "resolved_at")
        return [(count, resolved_at is None) for count, resolved_at in rows]

    assert sweep(60, seen=0) == [], "nobody is charging"
    session_id = start(station).transaction_id
    assert sweep(10, seen=0) == []
    assert sweep(11, seen=0) == sweep(12, seen=0) == [(1, True)]
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity) == ("OFFLINE_IN_SESSION", "WARNING")
    assert sweep(13, seen=13, online=True) == [(1, False)]
    assert sweep(30, seen=14) == [(1, False), (1, True)]
    alerts.resolve(Alert.objects.latest("pk").pk, actor=make_superadmin(), reason="known")
    assert sweep(40, seen=14) == [(1, False), (1, False)], "a person has resolved this silence"
    assert sweep(60, seen=41) == [(1, False), (1, False), (1, True)]
    stop(station, session_id, EVENING + 61 * MINUTE)
    assert sweep(62, seen=41) == [(1, False), (1, False), (1, False)]
