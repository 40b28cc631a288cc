"""Who sees what, how much of it, and in how many queries; tariffs and who may change them."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import time, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.selectors.scope import Caller
from chargepoints.models import Station
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, InvalidInput, NotFound
from csms.common.models import AuditEntry
from tests.support.factories import (
    LONG_AGO,
    connector_of,
    make_api_key,
    make_driver,
    make_id_token,
    make_operator,
    make_site,
    make_staff,
    make_station,
    make_superadmin,
    make_tariff,
)
from tests.transactions.support import EVENING, bangkok, report, start, stop
from transactions.domain.inputs import ReadingInput
from transactions.domain.states import SessionState
from transactions.domain.windows import HolidayRule, Window
from transactions.locks import (
    lock_session,
    lock_sessions,
    lock_sessions_of_station,
    lock_transaction,
)
from transactions.models import Session, TariffVersion
from transactions.selectors import review, sessions
from transactions.selectors.dashboard import session_numbers
from transactions.selectors.readings import readings_of, thinned
from transactions.selectors.tariffs import terms_of, version_for
from transactions.selectors.tariffs import visible_to as visible_tariffs
from transactions.services import retention
from transactions.services.readings import reading_rows, store_readings
from transactions.services.tariffs import Place, assign, create_version, set_holidays, tariff_named

pytestmark = pytest.mark.django_db
Queries = Callable[..., AbstractContextManager[object]]
MINUTE = timedelta(minutes=1)
SYSTEM = SystemActor("test")


@pytest.fixture
def driver() -> User:
    return make_driver()


@pytest.fixture
def station(driver: User) -> Station:
    operator = make_operator()
    make_tariff(operator, price_per_kwh="8")
    make_id_token("CARD1", user=driver)
    make_id_token("CARD2")
    return make_station(site=make_site(operator), connectors=2)


def test_everybody_sees_only_the_sessions_that_concern_them(
    station: Station, driver: User, django_assert_num_queries: Queries
) -> None:
    session = Session.objects.get(pk=start(station).transaction_id)
    start(station, evse_id=2, token="CARD2")
    stop(station, "0")
    own, other = station.site.operator, make_operator()

    def seen(caller: Caller) -> int:
        return sessions.visible_to(caller).count()

    assert session.driver == driver
    assert seen(make_superadmin()) == seen(make_staff(operators=[own])) == 2
    assert seen(make_api_key(operator=own)[0]) == seen(make_api_key()[0]) == 2
    assert seen(driver) == 1
    strangers: list[Caller] = [make_staff(operators=[other]), make_driver(), AnonymousUser()]
    assert [seen(caller) for caller in strangers] == [0, 0, 0]
    for caller in strangers:
        with pytest.raises(NotFound):
            sessions.find(caller, session.public_id)
        assert not review.visible_to(caller).exists()
        assert not visible_tariffs(caller).exists()
    with pytest.raises(NotFound):
        sessions.find(driver, "no-uuid")
    assert review.open_for(make_staff(operators=[own])).count() == 1
    with django_assert_num_queries(1):
        assert sessions.find(driver, str(session.public_id)).station.site.operator == own


def test_a_summary_takes_three_queries_and_one_for_the_price_while_it_runs(
    station: Station, driver: User, django_assert_num_queries: Queries
) -> None:
    session_id = start(station).transaction_id
    readings = [
        ReadingInput(
            EVENING + number * MINUTE / 10, 1_000 + 10 * number, 6_000, Decimal(number % 90)
        )
        for number in range(800)
    ]
    late = ReadingInput(EVENING + 100 * MINUTE, 9_500, 7_000)
    received_at = late.measured_at
    connector_id = connector_of(station).pk
    store_readings(
        reading_rows(station.pk, connector_id, session_id, received_at, [*readings, late])
    )
    public_id = Session.objects.get().public_id
    running = sessions.find(driver, public_id)
    with django_assert_num_queries(4):
        summary = sessions.summary(running, EVENING + 101 * MINUTE)
    assert summary.price_so_far is not None
    assert summary.price_so_far.total_gross == Decimal("68.00")
    assert (summary.energy_wh, summary.power_w, summary.is_final) == (8_500, 7_000, False)
    assert summary.duration == 101 * MINUTE
    assert len(summary.curve) == 500
    assert (summary.curve[0].at, summary.curve[-1].at) == (EVENING, late.measured_at)
    assert [point.after_gap for point in summary.curve].count(True) == 1
    assert summary.curve[-1].after_gap
    stop(station, session_id, EVENING + 110 * MINUTE, meter=11_000)
    ended = sessions.find(driver, public_id)
    with django_assert_num_queries(3):
        summary = sessions.summary(ended, EVENING + 200 * MINUTE)
    assert (summary.energy_wh, summary.power_w, summary.is_final) == (10_000, None, True)
    assert summary.duration == 110 * MINUTE
    assert [line.gross for line in summary.lines] == [Decimal("80.00")]
    assert summary.price_so_far is None
    assert len(thinned(readings_of(ended), 10)) == 10
    assert summary.curve[-1].energy_wh == 8_500  # delivered, not the register


def test_the_dashboard_counts_the_day_in_bangkok_in_two_queries(
    station: Station, django_assert_num_queries: Queries
) -> None:
    """At 00:30 in Bangkok it is still yesterday in UTC."""
    now = bangkok(2026, 11, 19, 0, 30)
    yesterday = start(station, bangkok(2026, 11, 18, 22))
    stop(station, yesterday.transaction_id, bangkok(2026, 11, 18, 23))
    today = start(station, bangkok(2026, 11, 18, 23, 30))
    stop(station, today.transaction_id, bangkok(2026, 11, 19, 0, 10))
    held = start(station, bangkok(2026, 11, 19, 0, 11), evse_id=2)
    stop(station, held.transaction_id, bangkok(2026, 11, 19, 0, 12), meter=10**9)
    running = start(station, bangkok(2026, 11, 19, 0, 20), evse_id=2, token="CARD2")
    at = bangkok(2026, 11, 19, 0, 25)
    rows = reading_rows(
        station.pk, None, running.transaction_id, at, [ReadingInput(at, 3_000, 42_000)]
    )
    store_readings(rows)
    staff = make_staff(operators=[station.site.operator])
    with django_assert_num_queries(2 + 1):  # and the operators of the caller
        numbers = session_numbers(staff, now)
    held_wh = Session.objects.get(pk=held.transaction_id).energy_wh
    assert (numbers.active_sessions, numbers.power_w, numbers.sessions_today) == (1, 42_000, 2)
    assert numbers.energy_today_wh == 10_000 + held_wh + 2_000
    assert numbers.revenue_today == Decimal("80.00")
    stranger, _raw = make_api_key(operator=make_operator())
    with django_assert_num_queries(2):
        nothing = session_numbers(stranger, now)
    assert (nothing.active_sessions, nothing.power_w, nothing.revenue_today) == (0, 0, 0)


def test_the_narrowest_tariff_in_effect_applies(
    station: Station, django_assert_num_queries: Queries
) -> None:
    operator = station.site.operator
    evse = connector_of(station).evse
    evse.station = station
    places: dict[str, Place] = {"site": station.site, "station": station, "evse": evse}
    versions: dict[str, TariffVersion] = {}
    for name in places:
        versions[name] = create_version(
            tariff_named(operator, name),
            actor=SYSTEM,
            effective_from=LONG_AGO,
            price_per_kwh=Decimal(5),
        )
    default = version_for(evse, EVENING)
    assert default is not None
    assert default.tariff.is_default
    for name, place in places.items():
        for _time in range(2):
            assign(versions[name].tariff, place, actor=SYSTEM, effective_from=EVENING)
        with django_assert_num_queries(2):
            assert version_for(evse, EVENING) == versions[name]
        assert version_for(evse, EVENING - MINUTE) == default
    newer = create_version(
        versions["evse"].tariff,
        actor=SYSTEM,
        effective_from=EVENING + MINUTE,
        price_per_kwh=Decimal(6),
    )
    assert version_for(evse, EVENING) == versions["evse"]
    assert version_for(evse, EVENING + MINUTE) == newer
    assert AuditEntry.objects.filter(action="tariff.assign").count() == 3
    foreign = tariff_named(make_operator(), "foreign")
    with pytest.raises(InvalidInput):
        assign(foreign, evse, actor=SYSTEM, effective_from=EVENING)


def test_versions_are_checked_and_read_back_as_they_were_written(
    station: Station, django_assert_num_queries: Queries
) -> None:
    tariff = tariff_named(station.site.operator, "Day and night")
    assert tariff_named(station.site.operator, "Day and night") == tariff
    holiday = bangkok(2026, 12, 31).astimezone().date()
    window = Window(
        "Peak", frozenset({1, 5}), time(9), time(22), Decimal("7.7"), HolidayRule.NEVER, 3
    )
    version = create_version(
        tariff,
        actor=SYSTEM,
        effective_from=EVENING,
        price_per_kwh=Decimal("6"),
        idle_price_per_minute=Decimal("2"),
        energy_pricing=TariffVersion.EnergyPricing.BY_START,
        holiday_calendar=set_holidays("Thailand", {holiday: "New Year's Eve"}),
        windows=[window],
    )
    version.refresh_from_db()
    with django_assert_num_queries(2):
        terms = terms_of(version)
    assert (terms.windows, terms.holidays, terms.by_start) == ((window,), {holiday}, True)
    with pytest.raises(Conflict):
        create_version(tariff, actor=SYSTEM, effective_from=EVENING, price_per_kwh=Decimal(6))
    with pytest.raises(InvalidInput) as refused:
        create_version(
            tariff,
            actor=SYSTEM,
            effective_from=EVENING + MINUTE,
            price_per_kwh=Decimal("NaN"),
            vat_percent=Decimal(101),
            idle_grace_minutes=-1,
            windows=[Window("x", frozenset({0}), time(0), time(0), Decimal(-1))],
        )
    assert [error.field for error in refused.value.errors] == [
        "price_per_kwh",
        "vat_percent",
        "idle_grace_minutes",
        "windows.0",
        "windows.0",
    ]
    assert tariff.versions.count() == 1


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="plans of PostgreSQL only")
def test_readings_of_a_session_are_read_from_its_months_only(station: Station) -> None:
    # A new database has the months from its own on.
    retention.create_reading_partitions(EVENING)
    session = Session.objects.get(pk=start(station).transaction_id)
    report(session.pk, (EVENING + MINUTE, 2_000))
    stop(station, session.pk)
    session.refresh_from_db()
    with CaptureQueriesContext(connection) as captured:
        assert len(readings_of(session)) == 1
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + captured[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert set(re.findall(r"reading_(\d{4}_\d{2}|default)\b", plan)) == {"2026_11"}


def test_sessions_are_locked_with_what_pricing_asks_for(
    station: Station, django_assert_num_queries: Queries
) -> None:
    """The written-out statement reads what Django's joins read; no query afterwards."""
    answer = start(station)
    joined = Session.objects.select_related("id_token", "tariff_version", "connector").get()
    with transaction.atomic():
        for found in (
            lock_transaction(station.pk, str(answer.transaction_id)),
            lock_session(answer.transaction_id),
            *lock_sessions([answer.transaction_id]),
            *lock_sessions_of_station(station.pk, [SessionState.ACTIVE]),
        ):
            assert found is not None
            with django_assert_num_queries(0):
                pairs = [
                    (found, joined),
                    (found.id_token, joined.id_token),
                    (found.tariff_version, joined.tariff_version),
                    (found.connector, joined.connector),
                ]
            for one, other in pairs:
                assert (one is None) == (other is None)
                for field in one._meta.concrete_fields if one is not None else ():
                    assert getattr(one, field.attname) == getattr(other, field.attname), field
        assert lock_sessions_of_station(station.pk, [SessionState.INTERRUPTED]) == []
        assert lock_sessions([]) == []
        with pytest.raises(Session.DoesNotExist):
            lock_session(answer.transaction_id + 1)
