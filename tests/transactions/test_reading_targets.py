"""Which session a meter value belongs to, whatever the charger calls it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from chargepoints.models import Station
from tests.support.factories import connector_of, make_id_token, make_station, make_tariff
from tests.transactions.support import EVENING, start, stop
from transactions.models import Session
from transactions.selectors.reading_targets import Place, ReadingTargets, Target

pytestmark = pytest.mark.django_db
Queries = Callable[..., AbstractContextManager[object]]


@pytest.fixture
def station() -> Station:
    station = make_station(connectors=2)
    make_tariff(station.site.operator)
    make_id_token("CARD1")
    return station


def target_of(station: Station, transaction_id: str, evse: int = 1) -> Target:
    place = Place(station.pk, evse, 1, transaction_id)
    return ReadingTargets().resolve([place])[place]


def named(station: Station, name: str | None) -> int:
    """An ended session that the charger calls `name`; our number where that is None."""
    session_id = start(station).transaction_id
    stop(station, session_id)
    Session.objects.filter(pk=session_id).update(ocpp_transaction_id=name)
    return session_id


def test_our_number_means_our_session_at_its_own_station_only(station: Station) -> None:
    session_id = named(station, None)
    connector = connector_of(station).pk
    assert target_of(station, str(session_id)) == (connector, session_id)
    other = make_station()
    assert target_of(other, str(session_id)) == (connector_of(other).pk, None)
    # Not what the charger was given, though the same number.
    assert target_of(station, f"0{session_id}") == (connector, None)
    assert target_of(station, "9" * 30) == (connector, None)


@pytest.mark.parametrize("name", ["0193-ab", "0", "๗", "9" * 30])
def test_the_chargers_own_id_means_its_session_there_only(station: Station, name: str) -> None:
    session_id = named(station, name)
    assert target_of(station, name).session_id == session_id
    assert target_of(make_station(), name).session_id is None
    # A session that has an id of its own does not answer to our number.
    assert target_of(station, str(session_id)).session_id is None


def test_an_id_that_is_also_our_number_is_the_chargers_own(station: Station) -> None:
    ours = named(station, None)
    start_at = EVENING + timedelta(hours=5)
    theirs = start(station, start_at).transaction_id
    Session.objects.filter(pk=theirs).update(ocpp_transaction_id=str(ours))
    assert target_of(station, str(ours)).session_id == theirs


@pytest.mark.parametrize("name", ["", "unheard", "999999"])
def test_what_names_no_session_belongs_to_the_one_that_is_open_there(
    station: Station, name: str
) -> None:
    assert target_of(station, name) == (connector_of(station).pk, None)
    session_id = start(station).transaction_id
    assert target_of(station, name).session_id == session_id
    assert target_of(station, name, evse=2) == (connector_of(station, 2).pk, None)
    assert target_of(station, name, evse=9) == (None, None)
    stop(station, session_id)
    assert target_of(station, name).session_id is None


def test_however_many_chargers_there_are_it_takes_as_many_queries(
    station: Station, django_assert_num_queries: Queries
) -> None:
    stations = [make_station(site=station.site) for _number in range(6)]
    for number, one in enumerate(stations):
        make_id_token(f"C{number}")
        session_id = start(one, EVENING, token=f"C{number}").transaction_id
        if number % 3 == 1:
            Session.objects.filter(pk=session_id).update(ocpp_transaction_id=f"own-{number}")
    sessions = dict(Session.objects.values_list("station_id", "pk"))
    names = [str(sessions[stations[0].pk]), "own-1", "", str(sessions[stations[3].pk]), "own-4", ""]
    places = [Place(one.pk, 1, 1, name) for one, name in zip(stations, names, strict=True)]
    targets = ReadingTargets()
    with django_assert_num_queries(4):  # connectors, by our number, by their name, open ones
        found = targets.resolve(places)
    assert [found[place].session_id for place in places] == [sessions[one.pk] for one in stations]
    with django_assert_num_queries(1):  # only what may have changed: which one is open
        assert targets.resolve(places) == found
