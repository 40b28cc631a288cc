"""Starts and stops, whatever chargers repeat, reorder, forget or make up."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.domain.states import Authorization
from accounts.models import IdToken
from chargepoints.domain.quirks import RegisterKind
from chargepoints.models import Station
from tests.support.factories import (
    connector_of,
    make_id_token,
    make_operator,
    make_site,
    make_station,
    make_tariff,
)
from tests.transactions.support import (
    EVENING,
    bangkok,
    report,
    start,
    start_input,
    stop,
    stop_input,
)
from transactions.domain.inputs import ReadingInput
from transactions.domain.states import EndReason, SessionState
from transactions.models import CostLine, Reading, ReviewItem, Session
from transactions.services import pricing as pricing_service
from transactions.services.starts import start_session
from transactions.services.stops import stop_session

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LATER = EVENING + HOUR


@pytest.fixture
def station() -> Station:
    operator = make_operator()
    make_tariff(
        operator,
        price_per_kwh="6.00",
        windows=[("Peak", [1, 2, 3, 4, 5], time(9), time(22), "7.70")],
    )
    return make_station(site=make_site(operator), connectors=2)


@pytest.fixture
def card() -> IdToken:
    return make_id_token("CARD1")


def kinds() -> list[str]:
    return sorted(ReviewItem.objects.values_list("kind", flat=True))


def test_a_session_across_the_end_of_peak_costs_what_a_person_computes(
    station: Station, card: IdToken
) -> None:
    """10.500 kWh: 7.000 by 22:00 at 7.70 = 53.90, then 3.500 at 6.00 = 21.00; VAT 4.90 of 74.90."""
    answer = start(station, bangkok(2026, 11, 18, 21, 30), meter=100_000)
    report(
        answer.transaction_id,
        (bangkok(2026, 11, 18, 21, 50), 106_000),
        (bangkok(2026, 11, 18, 22, 10), 108_000),
    )
    stop(station, answer.transaction_id, bangkok(2026, 11, 18, 22, 30), meter=110_500)
    session = Session.objects.get()
    assert answer.authorization is Authorization.ACCEPTED
    assert (session.state, session.energy_wh, session.is_held) == ("ENDED", 10_500, False)
    lines = list(session.cost_lines.values_list("name", "quantity", "unit_price", "gross"))
    assert lines == [
        ("Peak", Decimal("7.000"), Decimal("7.70"), Decimal("53.90")),
        ("", Decimal("3.500"), Decimal("6.00"), Decimal("21.00")),
    ]
    totals = (session.total_net, session.total_tax, session.total_gross)
    assert totals == (Decimal("70.00"), Decimal("4.90"), Decimal("74.90"))
    assert kinds() == []


def test_the_same_start_again_finds_its_session(station: Station, card: IdToken) -> None:
    first = start(station)
    again = start(station, token="card1", received_at=LATER)
    stop(station, first.transaction_id)
    after_the_end = start(station, received_at=LATER)
    assert first == again == after_the_end
    assert Session.objects.count() == 1


def test_connectors_in_the_same_millisecond_get_two_ids_and_one_token_once(
    station: Station, card: IdToken
) -> None:
    first, second = start(station, evse_id=1), start(station, evse_id=2)
    assert first.transaction_id != second.transaction_id
    assert first.authorization is Authorization.ACCEPTED
    assert second.authorization is Authorization.CONCURRENT_TX
    assert Session.objects.filter(state=SessionState.ACTIVE).count() == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (None, Authorization.INVALID),
        ({"status": "BLOCKED"}, Authorization.BLOCKED),
        ({"expires_at": EVENING - HOUR}, Authorization.EXPIRED),
    ],
)
def test_energy_without_authorization_is_kept_and_flagged(
    station: Station, fields: dict[str, object] | None, expected: Authorization
) -> None:
    if fields is not None:
        make_id_token("CARD1", **fields)
    answer = start(station)
    stop(station, answer.transaction_id)
    session = Session.objects.get()
    assert answer.authorization is expected
    assert (session.authorization, session.energy_wh) == (expected, 10_000)
    assert kinds() == ["UNAUTHORIZED"]


def test_an_open_session_is_superseded_and_corrected_by_its_late_stop(
    station: Station, card: IdToken
) -> None:
    old = start(station)
    report(old.transaction_id, (EVENING + HOUR / 2, 6_000))
    new = start(station, LATER, meter=12_000)
    superseded = Session.objects.get(pk=old.transaction_id)
    assert (superseded.state, superseded.end_reason) == ("ENDED", EndReason.SUPERSEDED)
    assert (superseded.energy_wh, superseded.ended_at) == (5_000, EVENING + HOUR / 2)
    assert superseded.total_gross == Decimal("38.50")
    assert kinds() == ["SUPERSEDED"]
    stop(station, old.transaction_id, EVENING + HOUR / 2 + HOUR / 4, meter=9_000, received_at=LATER)
    superseded.refresh_from_db()
    assert (superseded.energy_wh, superseded.total_gross) == (8_000, Decimal("61.60"))
    assert superseded.cost_lines.count() == 1
    assert Session.objects.get(pk=new.transaction_id).state == SessionState.ACTIVE


def test_stop_by_own_group_and_unrelated_token(station: Station) -> None:
    make_id_token("A", group="family")
    make_id_token("B", group="family")
    make_id_token("C", group="others")
    by_group = start(station, token="A")
    assert stop(station, by_group.transaction_id, id_token="b").authorization == "Accepted"
    assert kinds() == []
    by_stranger = start(station, LATER, token="A")
    answer = stop(station, by_stranger.transaction_id, LATER + HOUR, id_token="C")
    assert answer.authorization is Authorization.INVALID
    assert Session.objects.filter(state=SessionState.ENDED).count() == 2
    assert kinds() == ["UNRELATED_STOP"]


def test_a_stop_that_nothing_is_known_of_is_kept_once_and_answered(
    station: Station, card: IdToken
) -> None:
    for transaction_id in ("0", "-1", "99999999999999999999999", "x\x00" + "y" * 400, "12²"):
        for _time in range(2):
            stop(station, transaction_id, id_token="CARD1", frame="a\x00")
    assert kinds() == ["ORPHAN_STOP"] * 5
    other = make_station()
    foreign = start(station)
    stop(other, foreign.transaction_id)
    assert Session.objects.get().state == SessionState.ACTIVE
    assert ReviewItem.objects.get(kind="FOREIGN_TRANSACTION").station == other


def test_a_second_stop_changes_nothing_and_is_flagged_if_it_differs(
    station: Station, card: IdToken
) -> None:
    answer = start(station)
    for received_at in (LATER, LATER + HOUR):
        stop(station, answer.transaction_id, received_at=received_at)
    before = Session.objects.values().get()
    assert kinds() == []
    for _time in range(2):
        stop(station, answer.transaction_id, meter=12_000)
    assert Session.objects.values().get() == before
    assert CostLine.objects.count() == 1
    assert kinds() == ["CONFLICTING_STOP"]


FUTURE = datetime(2106, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ended_at", "meter", "kind", "counting"),
    [
        (EVENING - HOUR, 11_000, "CLOCK_FAULT", LATER),
        (LATER + timedelta(minutes=6), 11_000, "CLOCK_FAULT", LATER),
        (FUTURE, 11_000, "CLOCK_FAULT", LATER),
        (LATER, 900, "IMPOSSIBLE_METER", LATER),
        (LATER, 10_000_000, "IMPOSSIBLE_METER", LATER),
        (LATER, 10**30, "IMPOSSIBLE_METER", LATER),
        (LATER, None, "IMPOSSIBLE_METER", LATER),
    ],
)
def test_what_cannot_be_right_is_held_for_review(
    station: Station,
    card: IdToken,
    ended_at: datetime,
    meter: int | None,
    kind: str,
    counting: datetime,
) -> None:
    answer = start(station)
    stop(station, answer.transaction_id, ended_at, meter=meter, received_at=LATER)
    session = Session.objects.get()
    assert (session.state, session.is_held, session.ended_at) == ("ENDED", True, counting)
    assert session.charger_ended_at == ended_at
    assert 0 <= session.energy_wh <= 56_000
    assert kinds() == [kind]


def test_two_days_starts_of_a_clock_that_was_never_set_are_two_sessions(station: Station) -> None:
    epoch = datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC)
    sessions = []
    for day in range(2):
        received_at = EVENING + timedelta(days=day)
        answers = {
            start(station, epoch, meter=0, received_at=received_at + repeat * timedelta(minutes=1))
            for repeat in range(3)
        }
        assert len({answer.transaction_id for answer in answers}) == 1
        sessions.append(answers.pop().transaction_id)
        for repeat in range(2):
            stop(
                station,
                sessions[day],
                epoch + 60 * timedelta(minutes=1),
                meter=5_000,
                received_at=received_at + (60 + repeat) * timedelta(minutes=1),
            )
    assert len(set(sessions)) == 2
    assert set(Session.objects.values_list("state", "energy_wh")) == {("ENDED", 5_000)}
    assert not ReviewItem.objects.filter(kind=ReviewItem.Kind.CONFLICTING_STOP).exists()


def test_a_clock_that_is_wrong_throughout_still_measures_the_session(
    station: Station, card: IdToken
) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    answer = start(station, epoch, received_at=EVENING)
    stop(station, answer.transaction_id, epoch + HOUR, received_at=LATER)
    session = Session.objects.get()
    assert (session.started_at, session.ended_at, session.is_held) == (EVENING, LATER, False)
    assert session.charger_started_at == epoch
    assert kinds() == ["CLOCK_FAULT"]


def test_an_offline_queue_is_priced_by_the_times_and_the_tariff_of_its_events(
    station: Station, card: IdToken
) -> None:
    operator = station.site.operator
    tariff = operator.tariffs.get()
    tariff.versions.create(effective_from=LATER, price_per_kwh=Decimal(100))
    now = EVENING + timedelta(days=2)
    answer = start(station, received_at=now)
    stop(station, answer.transaction_id, received_at=now)
    session = Session.objects.get()
    assert (session.total_gross, session.is_held) == (Decimal("77.00"), False)
    assert kinds() == []


def test_a_session_keeps_what_was_known_of_its_meter_and_clock(
    station: Station, card: IdToken
) -> None:
    """Whatever becomes of the quirk profile: priced again it costs the same."""
    ahead = timedelta(hours=7)
    answer = start(
        station,
        meter=9_000,
        received_at=EVENING,
        clock_ahead=ahead,
        register_kind=RegisterKind.PER_SESSION,
    )
    # The same start and the same stop, before or after it is known how the clock is wrong.
    assert start(station, EVENING + ahead, meter=9_000, received_at=EVENING) == answer
    report(answer.transaction_id, (EVENING + HOUR / 2, 4_000))
    stop(station, answer.transaction_id, meter=10_000, received_at=LATER, clock_ahead=ahead)
    stop(station, answer.transaction_id, LATER + ahead, meter=10_000, received_at=LATER)
    session = Session.objects.get()
    assert (session.started_at, session.ended_at) == (EVENING, LATER)
    assert (session.charger_started_at, session.charger_ended_at) == (
        EVENING + ahead,
        LATER + ahead,
    )
    assert (session.energy_wh, session.is_held, kinds()) == (10_000, False, [])
    assert session.total_gross == Decimal("77.00")
    assert not pricing_service.reprice(session, LATER)
    session.refresh_from_db()
    assert session.total_gross == Decimal("77.00")


def test_an_unknown_connector_is_made_and_strings_are_cut(station: Station) -> None:
    answer = start(station, evse_id=3, token="<b>\x00" + "x" * 300)
    session = Session.objects.get(pk=answer.transaction_id)
    assert session.connector == connector_of(station, 3)
    assert len(session.id_token_value) == 255
    stop(station, answer.transaction_id, reason="r" * 200)
    session.refresh_from_db()
    assert len(session.end_reason) == 50


def test_readings_of_the_stop_count_and_are_stored_once(station: Station, card: IdToken) -> None:
    answer = start(station)
    readings = tuple(
        ReadingInput(measured_at=EVENING + HOUR * part / 4, energy_wh=1_000 + 2_000 * part)
        for part in range(5)
    )
    for _time in range(2):
        stop(station, answer.transaction_id, meter=None, readings=readings)
    session = Session.objects.get()
    assert (session.energy_wh, session.is_held) == (8_000, False)
    assert Reading.objects.filter(session=session).count() == 5


def test_the_app_s_session_is_the_one_that_starts(station: Station, card: IdToken) -> None:
    waiting = Session.objects.create(
        station=station,
        connector=connector_of(station),
        state=SessionState.STARTING.value,
        id_token_value="APP-1",
    )
    unrelated = start(station, token="CARD1")
    stop(station, unrelated.transaction_id)
    answer = start(station, LATER, token="app-1")
    assert answer.transaction_id == waiting.pk != unrelated.transaction_id
    waiting.refresh_from_db()
    assert waiting.state == SessionState.ACTIVE


def test_a_session_without_tariff_waits_and_is_priced_when_there_is_one(card: IdToken) -> None:
    bare = make_station()
    answer = start(bare)
    stop(bare, answer.transaction_id)
    session = Session.objects.get()
    assert (session.state, session.priced_at) == ("ENDED", None)
    assert kinds() == ["NOT_PRICED"]
    assert pricing_service.price_due(LATER + HOUR) == 0
    make_tariff(bare.site.operator, price_per_kwh="6.50")
    assert pricing_service.price_due(LATER + HOUR, also_reviewed=True) == 1
    session.refresh_from_db()
    assert session.total_gross == Decimal("65.00")
    assert not ReviewItem.objects.filter(resolved_at__isnull=True).exists()


def test_a_failure_in_pricing_does_not_cost_the_stop(
    station: Station, card: IdToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise ArithmeticError("bug")

    answer = start(station)
    with monkeypatch.context() as patch:
        patch.setattr(pricing_service, "price", broken)
        stop(station, answer.transaction_id, readings=(ReadingInput(LATER, 11_000),))
        session = Session.objects.get()
        assert (session.state, session.energy_wh, session.priced_at) == ("ENDED", 10_000, None)
        assert Reading.objects.count() == 1
        assert pricing_service.price_due(LATER + HOUR) == 0
        assert kinds() == ["NOT_PRICED"]
    assert pricing_service.price_due(LATER + HOUR, also_reviewed=True) == 1


def test_query_counts(
    station: Station,
    card: IdToken,
    django_assert_num_queries: Callable[..., AbstractContextManager[object]],
) -> None:
    """Without the transaction's own statements: 6 for a start, 6 for a stop with two lines."""
    first = start_input()
    with django_assert_num_queries(6 + 2, connection=connection):
        answer = start_session(station.pk, first)
    with django_assert_num_queries(3 + 2, connection=connection):
        assert start_session(station.pk, replace(first, received_at=LATER)) == answer
    report(answer.transaction_id, (EVENING + HOUR / 2, 3_000))
    last = stop_input(answer.transaction_id, EVENING + 3 * HOUR, id_token="CARD1")
    with django_assert_num_queries(6 + 2, connection=connection):
        stop_session(station.pk, last)
    assert CostLine.objects.count() == 2
    with django_assert_num_queries(1 + 2, connection=connection):
        stop_session(station.pk, last)
