"""A station is not taken away while somebody charges there."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection

from chargepoints.models import Connector, Station
from chargepoints.services import archiving
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.support.factories import make_driver, make_id_token, make_staff
from tests.support.threads import in_threads, until_one_waits_for_a_lock
from tests.transactions import drivers
from tests.transactions.support import EVENING, start, start_input, stop
from transactions.domain.states import SessionState
from transactions.models import ReviewItem, Session
from transactions.services import interrupt, starts
from transactions.services.remote_control import request_start
from transactions.services.starts import start_session

ACTOR = SystemActor("test")
only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no locks of rows"
)


@pytest.fixture
def station() -> Station:
    make_id_token("CARD1")
    return drivers.make_ready_station("CP1", connectors=2)


def archive(station: Station) -> str:
    """What becomes of the attempt."""
    try:
        archiving.archive_station(station, actor=ACTOR)
    except Conflict as refusal:
        return refusal.code
    return "archived"


@pytest.mark.django_db
class TestRefusal:
    def test_until_the_session_has_ended(self, station: Station) -> None:
        running = start(station).transaction_id
        session = Session.objects.get(pk=running)
        with pytest.raises(Conflict, match=f"{session.public_id} .Active.") as refusal:
            archiving.archive_station(station, actor=ACTOR)
        assert (refusal.value.code, refusal.value.status) == ("session_running", 409)
        station.refresh_from_db()
        assert station.archived_at is None
        assert not AuditEntry.objects.filter(action="station.archive").exists()
        stop(station, running)
        assert archive(station) == "archived"

    def test_of_an_interrupted_session_too(self, station: Station) -> None:
        start(station)
        Session.objects.update(state=SessionState.INTERRUPTED.value)
        with pytest.raises(Conflict, match="Interrupted"):
            archiving.archive_station(station, actor=ACTOR)

    def test_another_station_s_session_is_no_obstacle(self, station: Station) -> None:
        start(drivers.make_ready_station("CP2"))
        assert archive(station) == "archived"

    def test_a_start_that_went_out_is_one_and_one_that_waits_is_taken_back(
        self, station: Station
    ) -> None:
        session = drivers.start(make_driver(), station)
        assert session.start_command is not None
        drivers.send(session.start_command)
        with pytest.raises(Conflict, match="Starting"):
            archiving.archive_station(station, actor=ACTOR)
        other = drivers.make_ready_station("CP2")
        waiting = drivers.start(make_driver(), other)
        assert archive(other) == "archived"
        waiting.refresh_from_db()
        assert waiting.state == SessionState.CANCELLED

    def test_what_a_driver_only_created_cannot_be_started_afterwards(
        self, station: Station
    ) -> None:
        driver = make_driver()
        session = drivers.create(driver, station)
        assert archive(station) == "archived"
        with pytest.raises(Conflict) as refusal:
            request_start(session, driver)
        assert refusal.value.code == "station_archived"

    def test_in_the_api(self, station: Station) -> None:
        client = ApiClient.of(make_staff(operators=[station.site.operator]))
        running = start(station).transaction_id
        for path in ("/api/chargepoints/CP1", "/charge-points/CP1"):
            problem = client.json("delete", path, expect=409)
            assert problem["code"] == "session_running"
            assert str(Session.objects.get().public_id) in problem["detail"]
        stop(station, running)
        client.call("delete", "/api/chargepoints/CP1", expect=204)


@pytest.mark.django_db
def test_a_charger_s_start_at_an_archived_station_is_kept_and_not_accepted(
    station: Station,
) -> None:
    """What a charger says has happened is never refused; it is told to end it."""
    archive(station)
    answer = start(station)
    assert answer.authorization == "Invalid"
    session = Session.objects.get()
    assert session.state == SessionState.ACTIVE
    assert ReviewItem.objects.get().kind == ReviewItem.Kind.UNAUTHORIZED
    # Its socket is closed: only a sweep can end it.
    later = EVENING + timedelta(minutes=1)
    assert interrupt.give_up_lost(later) == 1
    assert interrupt.settle_interrupted(later + interrupt.GRACE) == 1
    session.refresh_from_db()
    assert (session.state, session.end_reason) == (SessionState.ENDED, "Interrupted")


@pytest.mark.django_db
class TestAStationThatIsGone:
    """It burnt down while somebody charged there."""

    def away_for(self, station: Station, minutes: int) -> None:
        seen = clock.now() - timedelta(minutes=minutes)
        Station.objects.filter(pk=station.pk).update(is_online=False, last_seen_at=seen)

    def test_is_archived_when_it_was_away_for_long(self, station: Station) -> None:
        start(station)
        self.away_for(station, 9)
        assert archive(station) == "session_running"
        self.away_for(station, 11)
        assert archive(station) == "archived"

    def test_keeps_nobody_s_card_in_use_for_ever(self, station: Station) -> None:
        start(station)
        start(drivers.make_ready_station("CP2"), token="CARD2")
        Station.objects.filter(pk=station.pk).update(
            is_online=False, last_seen_at=EVENING - timedelta(minutes=1)
        )
        day_after = EVENING - timedelta(minutes=1) + interrupt.LOST_AFTER
        assert interrupt.give_up_lost(day_after) == 0
        assert interrupt.give_up_lost(day_after + timedelta(seconds=1)) == 1
        assert Session.objects.get(station=station).state == SessionState.INTERRUPTED


@only_postgresql
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def meeting(self, monkeypatch: pytest.MonkeyPatch, station: Station, work: Any) -> list[Any]:
        """Archive the station; `work` begins meanwhile and waits for it."""
        has_begun = Event()

        def look_late(_station_id: int) -> None:
            has_begun.set()
            until_one_waits_for_a_lock()

        monkeypatch.setitem(archiving._obstacles, "meeting", look_late)

        def follow() -> Any:
            assert has_begun.wait(30)
            return work()

        works = [lambda: archive(station), follow]
        return in_threads(2, lambda number: works[number]())

    def test_a_start_that_comes_while_the_archive_is_not_committed(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archived, answer = self.meeting(
            monkeypatch, station, lambda: start_session(station.pk, start_input())
        )
        assert (archived, answer.authorization) == ("archived", "Invalid")

    def test_a_start_at_a_connector_that_nobody_knew(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archived, answer = self.meeting(
            monkeypatch, station, lambda: start_session(station.pk, start_input(evse_id=9))
        )
        assert (archived, answer.authorization) == ("archived", "Invalid")

    def test_a_driver_who_asks_for_a_start_meanwhile(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        driver = make_driver()
        session = drivers.create(driver, station)

        def ask() -> str:
            try:
                return str(request_start(session, driver).state)
            except Conflict as refusal:
                return refusal.code

        assert self.meeting(monkeypatch, station, ask) == ["archived", "station_archived"]

    def test_a_start_that_is_first(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """The archive waits for its connector, and then sees it."""
        has_begun, store = Event(), starts._store

        def store_late(session: Session) -> None:
            has_begun.set()
            until_one_waits_for_a_lock()
            store(session)

        monkeypatch.setattr(starts, "_store", store_late)

        def follow() -> str:
            assert has_begun.wait(30)
            return archive(station)

        works = [lambda: start_session(station.pk, start_input()).authorization, follow]
        answers = in_threads(2, lambda number: works[number]())
        assert answers == ["Accepted", "session_running"]
        assert Connector.objects.count() == 2
