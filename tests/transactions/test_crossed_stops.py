"""A start and its stop that came over two sockets at the same moment and did not see each other."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Station
from tests.support.factories import make_id_token, make_station
from tests.transactions.support import EVENING, start, stop
from transactions.domain.states import SessionState
from transactions.locks import Spot, lock_connector
from transactions.models import ReviewItem, Session
from transactions.services import orphans

pytestmark = pytest.mark.django_db
BACK_ONLINE = EVENING + timedelta(hours=3)
SECOND = timedelta(seconds=1)


@pytest.fixture
def station() -> Station:
    make_id_token("CARD1")
    return make_station()


def not_seeing_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a start that waited for its connector while the stop was committed."""

    def locked_before(*place: int) -> Spot | None:
        spot = lock_connector(*place)
        return None if spot is None else spot._replace(has_kept_stops=False)

    monkeypatch.setattr("transactions.services.starts.lock_connector", locked_before)


def crossed(
    station: Station,
    monkeypatch: pytest.MonkeyPatch,
    *,
    began: datetime = EVENING,
    kept_at: datetime = BACK_ONLINE,
    **fields: Any,
) -> Session:
    stop(station, -1, received_at=kept_at, **fields)
    not_seeing_the_stop(monkeypatch)
    number = start(station, began, received_at=BACK_ONLINE).transaction_id
    return Session.objects.get(pk=number)


def test_the_sweep_ends_what_a_start_did_not_see(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = crossed(station, monkeypatch)
    assert session.state == SessionState.ACTIVE
    assert orphans.end_crossed(BACK_ONLINE + SECOND) == 1
    session.refresh_from_db()
    assert (session.state, session.energy_wh) == (SessionState.ENDED, 10_000)
    assert session.ended_at == EVENING + timedelta(hours=1)
    assert ReviewItem.objects.get(kind=ReviewItem.Kind.ORPHAN_STOP).session == session
    assert orphans.end_crossed(BACK_ONLINE + SECOND) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"meter": 900},
        {"kept_at": BACK_ONLINE - timedelta(minutes=5)},
        {"began": BACK_ONLINE - SECOND, "at": BACK_ONLINE},
    ],
    ids=["another session's", "seen", "not reported late"],
)
def test_everything_else_is_left_to_a_person(
    station: Station, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    session = crossed(station, monkeypatch, **fields)
    assert orphans.end_crossed(BACK_ONLINE + SECOND) == 0
    session.refresh_from_db()
    assert session.state == SessionState.ACTIVE


def test_a_stop_that_fits_two_sessions_is_left_to_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both of them reported late: whose energy it is nobody knows."""
    for number in (1, 2):
        make_id_token(f"CARD{number}")
    station = make_station(connectors=2)
    not_seeing_the_stop(monkeypatch)
    for number in (1, 2):
        start(station, EVENING, received_at=BACK_ONLINE, evse_id=number, token=f"CARD{number}")
    stop(station, -1, received_at=BACK_ONLINE)
    assert ReviewItem.objects.filter(kind=ReviewItem.Kind.ORPHAN_STOP, resolved_at=None).exists()
    assert orphans.end_crossed(BACK_ONLINE + SECOND) == 0
    assert Session.objects.filter(state=SessionState.ACTIVE).count() == 2


def test_a_sweep_that_stood_still_for_long_changes_nothing(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossed(station, monkeypatch)
    assert orphans.end_crossed(BACK_ONLINE + timedelta(hours=2)) == 0
