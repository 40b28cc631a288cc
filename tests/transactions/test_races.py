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
from tests.support.factories import (
    make_id_token,
    make_operator,
    make_site,
    make_station,
    make_tariff,
)
from tests.transactions.support import EVENING, start_input, stop_input
from transactions.domain.states import SessionState
from transactions.models import CostLine, ReviewItem, Session, SessionEvent
from transactions.services.pricing import price_session
from transactions.services.starts import start_session
from transactions.services.stops import stop_session

pytestmark = pytest.mark.django_db(transaction=True)


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
