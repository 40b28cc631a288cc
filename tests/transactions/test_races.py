"""Chargers and workers that do things at the same time, on real connections in real threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from chargepoints.models import Station
from ocpp_gateway.telemetry import BatchWriter, Item
from tests.support.factories import (
    make_id_token,
    make_operator,
    make_site,
    make_station,
    make_superadmin,
    make_tariff,
)
from tests.support.threads import meanwhile
from tests.transactions.support import EVENING, start_input, stop_input
from transactions.domain.inputs import ReadingInput, Readings
from transactions.domain.states import SessionState
from transactions.locks import lock_session
from transactions.models import CostLine, Reading, ReviewItem, Session, SessionEvent
from transactions.selectors.review_cases import reviewed
from transactions.services.interrupt import GRACE, mark_interrupted, settle_interrupted
from transactions.services.late_readings import extend_inferred
from transactions.services.pricing import price_session
from transactions.services.remedies import apply_proposal, mark_of
from transactions.services.starts import start_session
from transactions.services.stops import stop_session

pytestmark = pytest.mark.django_db(transaction=True)
# On SQLite one writer waits for the other: there the order changes, but nothing meets.
only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no locks of rows"
)
ROUNDS = 5


@pytest.fixture
def station() -> Station:
    operator = make_operator()
    make_tariff(operator)
    for number in (1, 2, 3, 4):
        make_id_token(f"CARD{number}")
    return make_station(site=make_site(operator), connectors=4)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run `calls` in threads of their own that begin together."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls, timeout=30))


def test_the_same_start_at_once_is_one_session(station: Station) -> None:
    answers = at_once([partial(start_session, station.pk, start_input()) for _copy in range(6)])
    assert len(set(answers)) == 1
    assert Session.objects.count() == SessionEvent.objects.count() == 1


def test_starts_on_all_connectors_at_once_get_ids_of_their_own(station: Station) -> None:
    answers = at_once(
        [
            partial(start_session, station.pk, start_input(evse_id=number, token=f"CARD{number}"))
            for number in (1, 2, 3, 4)
        ]
    )
    assert len({answer.transaction_id for answer in answers}) == 4
    assert {answer.authorization for answer in answers} == {"Accepted"}


def test_different_starts_on_one_connector_leave_one_open(station: Station) -> None:
    at_once(
        [
            partial(
                start_session,
                station.pk,
                start_input(EVENING + timedelta(seconds=number), token=f"CARD{number}"),
            )
            for number in (1, 2, 3, 4)
        ]
    )
    assert Session.objects.filter(state=SessionState.ACTIVE).count() == 1
    assert Session.objects.filter(state=SessionState.ENDED, end_reason="Superseded").count() == 3


def test_an_unknown_connector_that_starts_at_once_is_made_once(station: Station) -> None:
    at_once(
        [
            partial(
                start_session,
                station.pk,
                start_input(EVENING + timedelta(seconds=number), evse_id=9, token="CARD1"),
            )
            for number in (1, 2, 3)
        ]
    )
    assert station.evses.filter(evse_id=9).count() == 1
    assert Session.objects.filter(state=SessionState.ACTIVE).count() == 1


def test_the_same_stop_at_once_is_billed_once(station: Station) -> None:
    transaction_id = start_session(station.pk, start_input()).transaction_id
    at_once([partial(stop_session, station.pk, stop_input(transaction_id)) for _copy in range(6)])
    session = Session.objects.get()
    assert (session.state, session.energy_wh) == ("ENDED", 10_000)
    assert CostLine.objects.count() == 1
    assert SessionEvent.objects.filter(kind="ended").count() == 1
    assert not ReviewItem.objects.exists()


def test_different_stops_at_once_end_with_one_and_one_conflict(station: Station) -> None:
    transaction_id = start_session(station.pk, start_input()).transaction_id
    at_once(
        [
            partial(stop_session, station.pk, stop_input(transaction_id, meter=meter))
            for meter in (11_000, 12_000)
        ]
    )
    session = Session.objects.get()
    assert session.energy_wh in (10_000, 11_000)
    assert [item.kind for item in ReviewItem.objects.all()] == ["CONFLICTING_STOP"]


def test_a_stop_and_the_next_start_at_once_both_count(station: Station) -> None:
    """Whichever wins, the stop's values are the ones of the old session in the end."""
    transaction_id = start_session(station.pk, start_input()).transaction_id
    later = EVENING + timedelta(hours=1)
    at_once(
        [
            partial(stop_session, station.pk, stop_input(transaction_id, later)),
            partial(start_session, station.pk, start_input(later, token="CARD2", meter=11_000)),
        ]
    )
    old = Session.objects.get(pk=transaction_id)
    assert (old.state, old.energy_wh, old.is_held) == ("ENDED", 10_000, False)
    assert old.cost_lines.count() == 1
    assert Session.objects.filter(state=SessionState.ACTIVE).count() == 1


def test_workers_that_price_at_once_write_the_lines_once(station: Station) -> None:
    transaction_id = start_session(station.pk, start_input()).transaction_id
    stop_session(station.pk, stop_input(transaction_id))
    CostLine.objects.all().delete()
    Session.objects.update(priced_at=None, total_gross=None, total_net=None, total_tax=None)
    assert at_once([partial(price_session, transaction_id) for _copy in range(4)]) == [True] * 4
    assert CostLine.objects.count() == 1
    assert SessionEvent.objects.filter(kind="priced").count() == 1


# --- What meets only on PostgreSQL --------------------------------------------------------------


@pytest.mark.postgresql
@only_postgresql
def test_a_start_and_a_boot_at_once_leave_the_new_session_running(station: Station) -> None:
    """The boot is the older message: what starts after it is not in doubt."""
    for number in range(ROUNDS):
        at = EVENING + timedelta(hours=number)
        at_once(
            [
                partial(start_session, station.pk, start_input(at, meter=1_000 * number)),
                partial(mark_interrupted, station.pk, at - timedelta(seconds=1)),
            ]
        )
        newest = Session.objects.latest("pk")
        assert newest.state == SessionState.ACTIVE
    # The one before was superseded, interrupted or not.
    assert Session.objects.filter(state=SessionState.ENDED).count() == ROUNDS - 1
    assert set(
        Session.objects.filter(state=SessionState.ENDED).values_list("end_reason", flat=True)
    ) == {"Superseded"}


@pytest.mark.postgresql
@only_postgresql
def test_a_stop_and_the_end_of_the_grace_at_once_end_with_the_stop(station: Station) -> None:
    for number in range(ROUNDS):
        at = EVENING + timedelta(days=number)
        transaction_id = start_session(station.pk, start_input(at)).transaction_id
        mark_interrupted(station.pk, at + timedelta(minutes=5))
        stop = stop_input(transaction_id, at + timedelta(hours=1), reason="PowerLoss")
        at_once(
            [
                partial(stop_session, station.pk, stop),
                partial(settle_interrupted, at + timedelta(hours=1) + GRACE),
                partial(extend_inferred, at + timedelta(hours=1) + GRACE),
            ]
        )
        session = Session.objects.get(pk=transaction_id)
        assert (session.state, session.end_reason) == (SessionState.ENDED, "PowerLoss")
        assert (session.energy_wh, session.is_held) == (10_000, False)
        assert session.cost_lines.count() == 1
    assert not ReviewItem.objects.filter(kind=ReviewItem.Kind.CONFLICTING_STOP).exists()


@pytest.mark.postgresql
@only_postgresql
def test_a_reading_and_the_stop_at_once_are_both_kept(station: Station) -> None:
    """Whichever commits first, the stop's value counts and the reading is the session's."""
    for number in range(ROUNDS):
        at = EVENING + timedelta(days=number)
        transaction_id = start_session(station.pk, start_input(at)).transaction_id
        moment = at + timedelta(minutes=30)
        mark_interrupted(station.pk, at + timedelta(minutes=5))
        readings = Readings(moment, 1, 1, str(transaction_id), (ReadingInput(moment, 6_000),))
        item = Item(station.pk, readings=readings, is_in_doubt=True)
        written, _answer = at_once(
            [
                partial(BatchWriter().write, [item]),
                partial(
                    stop_session, station.pk, stop_input(transaction_id, at + 2 * (moment - at))
                ),
            ]
        )
        assert written == {}
        session = Session.objects.get(pk=transaction_id)
        assert (session.state, session.energy_wh) == (SessionState.ENDED, 10_000)
        assert Reading.objects.filter(session=session).count() == 1
    assert not ReviewItem.objects.exists()


@pytest.mark.postgresql
@only_postgresql
def test_a_session_that_somebody_has_locked_holds_up_no_other_reading(station: Station) -> None:
    other = make_station(site=station.site)
    locked = start_session(station.pk, start_input()).transaction_id
    free = start_session(other.pk, start_input(token="CARD2")).transaction_id
    moment = EVENING + timedelta(minutes=30)
    items = []
    for place, transaction_id in ((station, locked), (other, free)):
        mark_interrupted(place.pk, EVENING + timedelta(minutes=5))
        readings = Readings(moment, 1, 1, str(transaction_id), (ReadingInput(moment, 6_000),))
        items.append(Item(place.pk, readings=readings, is_in_doubt=True))
    with meanwhile(lambda: lock_session(locked)):
        assert BatchWriter().write(items) == {}
        assert Reading.objects.count() == 2
        states = dict(Session.objects.values_list("pk", "state"))
        assert states == {locked: SessionState.INTERRUPTED, free: SessionState.ACTIVE}
    # Its reading is there, so that the sweep finds that it goes on.
    assert settle_interrupted(moment) == 1
    assert Session.objects.get(pk=locked).state == SessionState.ACTIVE


@pytest.mark.postgresql
@only_postgresql
def test_two_people_who_apply_a_proposal_at_once_do_it_once(station: Station) -> None:
    transaction_id = start_session(station.pk, start_input()).transaction_id
    stop_session(station.pk, stop_input(transaction_id, meter=10_000_000))
    item = ReviewItem.objects.select_related("session__connector", "station").get()
    mark = mark_of(reviewed(item, EVENING).proposal)
    person = make_superadmin()
    at_once([partial(apply_proposal, item.pk, actor=person, mark=mark) for _copy in range(4)])
    assert not Session.objects.get().is_held
    assert SessionEvent.objects.filter(kind="released").count() == 1
    assert SessionEvent.objects.filter(kind="reviewed").count() == 1
