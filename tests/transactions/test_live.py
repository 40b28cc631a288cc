"""What those who watch see is what is measured and priced in the end."""

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError

from chargepoints.models import Station
from tests.support.factories import make_operator, make_site, make_station, make_tariff
from tests.transactions.support import EVENING, report, start, stop
from transactions.domain.energy import Delivered, RegisterSample, delivered, extended
from transactions.domain.inputs import ReadingInput
from transactions.models import Session
from transactions.selectors import sessions
from transactions.selectors.live import LiveSession, LiveSessions
from transactions.services.readings import reading_rows, store_readings

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
MAX_POWER_W = 50_000


@pytest.fixture
def station() -> Station:
    """Cheaper from 22:00, and each minute costs."""
    operator = make_operator()
    make_tariff(
        operator,
        price_per_kwh="9",
        price_per_minute="0.50",
        windows=[("Night", range(1, 8), time(22), time(6), "4.50")],
    )
    return make_station(site=make_site(operator), max_power_w=MAX_POWER_W)


def registers(number: int) -> Iterator[tuple[timedelta, int]]:
    """Moments and register values of a session, most of them as they should be."""
    chance = random.Random(number)
    at, wh = timedelta(), 1_000
    for _reading in range(40):
        at += timedelta(seconds=chance.choice([10, 60, 60, 300]))
        step = chance.choice([0, 1, 50, 400])
        shown = wh + step
        if chance.random() < 0.03:
            shown = chance.choice([0, wh - 500, wh + 90_000])  # a dip, a fall, a spike
        else:
            wh = shown
        yield at, max(shown, 0)


@pytest.mark.parametrize("number", range(60))
def test_carried_forward_is_as_measured_at_once(number: int) -> None:
    """Without the database: value by value, or all of them together."""
    samples = [RegisterSample(EVENING + at, wh) for at, wh in registers(number)]
    known: Delivered | None = None
    carried = 0
    for index, sample in enumerate(samples):
        whole = delivered(
            started_at=EVENING,
            meter_start_wh=1_000,
            ended_at=sample.at,
            meter_stop_wh=None,
            samples=samples[: index + 1],
            max_power_w=MAX_POWER_W,
        )
        further = None
        if known is not None:
            further = extended(known, samples[index - 1], sample, MAX_POWER_W)
        if further is not None:
            carried += 1
            # A dip is known as one only by what comes after it.
            if not whole.faults and not whole.resets and _is_steady(samples[: index + 1]):
                assert further == whole
        known = further or whole
    assert carried or not _is_steady(samples)


def _is_steady(samples: list[RegisterSample]) -> bool:
    values = [sample.wh for sample in samples]
    return values == sorted(values)


@pytest.mark.parametrize("number", range(8))
def test_what_is_watched_agrees_with_the_summary_and_the_bill(
    number: int, station: Station
) -> None:
    begins = datetime.fromisoformat("2026-11-18T21:40:00+07:00")
    session_id = start(station, begins).transaction_id
    session = Session.objects.get()
    watching = LiveSessions()
    latest: LiveSession | None = None
    wh = 1_000
    chance = random.Random(number)
    at = begins
    for _reading in range(30):
        at += chance.choice([MINUTE, 2 * MINUTE, MINUTE / 2])
        wh += chance.randrange(0, 300)
        report(session_id, (at, wh))
        found = watching.look([session_id], at)
        latest = found[session_id]
        whole = sessions.summary(sessions.with_places(Session.objects.all()).get(), at)
        assert latest.energy_wh == whole.energy_wh == wh - 1_000
        assert latest.price == whole.price_so_far
    stop(station, session_id, at, meter=wh)
    session.refresh_from_db()
    assert latest is not None
    assert latest.price is not None
    assert latest.price.total_gross == session.total_gross
    assert watching.look([session_id], at)[session_id].energy_wh == session.energy_wh


def test_nothing_is_said_twice_and_a_minute_that_costs_is_news(station: Station) -> None:
    session_id = start(station).transaction_id
    watching = LiveSessions()
    assert set(watching.look([session_id], EVENING)) == {session_id}
    assert watching.look([session_id], EVENING + MINUTE / 2) == {}
    (news,) = watching.look([session_id], EVENING + MINUTE).values()
    assert news.price is not None
    assert news.price.total_gross == Decimal("0.50")
    assert watching.look([session_id], EVENING + 1.5 * MINUTE) == {}
    assert watching.look([], EVENING) == {}


def test_power_and_charge_are_the_newest_that_were_said(station: Station) -> None:
    session_id = start(station).transaction_id
    session = Session.objects.get()
    watching = LiveSessions()
    for minute, power, soc in ((1, 11_000, 40), (2, None, 41), (3, 9_000, None)):
        at = EVENING + minute * MINUTE
        reading = ReadingInput(at, None, power, None if soc is None else Decimal(soc))
        rows = reading_rows(station.pk, session.connector_id, session_id, at, [reading])
        store_readings(rows)
        (seen,) = watching.look([session_id], at).values()
    assert (seen.power_w, seen.soc_percent, seen.measured_at) == (9_000, 41, at)
    assert seen.energy_wh == 0


def test_a_register_that_falls_is_measured_anew(station: Station) -> None:
    session_id = start(station).transaction_id
    watching = LiveSessions()
    seen = []
    for minute, wh in ((1, 1_200), (2, 1_400), (3, 0), (4, 1_600)):
        at = EVENING + minute * MINUTE
        report(session_id, (at, wh))
        (found,) = watching.look([session_id], at).values()
        seen.append(found.energy_wh)
    assert seen[-1] == 600, "The 0 was a dip."
    assert seen[:2] == [200, 400]


def test_what_could_not_be_read_is_read_at_the_next_look(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = start(station).transaction_id
    watching = LiveSessions()
    watching.look([session_id], EVENING)
    at = EVENING + MINUTE
    report(session_id, (at, 1_500))

    def away(*_arguments: object, **_named: object) -> None:
        raise OperationalError("The database is away.")

    with monkeypatch.context() as broken:
        broken.setattr(LiveSessions, "_read", staticmethod(away))
        with pytest.raises(OperationalError):
            watching.look([session_id], at)
    assert watching.look([session_id], at)[session_id].energy_wh == 500
