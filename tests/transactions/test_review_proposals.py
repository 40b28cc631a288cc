"""What the review queue proposes, and that applying it does just that, once."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from chargepoints.models import Station
from csms.common.clock import now
from csms.common.errors import Conflict
from csms.common.models import AuditEntry
from tests.support.factories import (
    make_driver,
    make_id_token,
    make_operator,
    make_site,
    make_station,
    make_superadmin,
    make_tariff,
)
from tests.transactions.support import EVENING, report, start, stop
from transactions.domain.inputs import ReadingInput
from transactions.domain.proposals import (
    Case,
    Closing,
    Facts,
    Outcome,
    Proposal,
    Remedy,
    Why,
    propose,
)
from transactions.models import CostLine, Reading, ReviewItem, Session, SessionEvent
from transactions.selectors.review_cases import reviewed
from transactions.services.pricing import reprice
from transactions.services.remedies import apply_proposal, mark_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LATER = EVENING + HOUR


@pytest.fixture
def station() -> Station:
    operator = make_operator()
    make_tariff(operator, price_per_kwh="10")
    make_id_token("CARD1", user=make_driver())
    return make_station(site=make_site(operator), connectors=2)


@pytest.fixture
def person() -> User:
    return make_superadmin()


def proposed(kind: str) -> Proposal:
    return reviewed(ReviewItem.objects.get(kind=kind, resolved_at=None), now()).proposal


def do(kind: str, person: User) -> ReviewItem:
    item = ReviewItem.objects.get(kind=kind, resolved_at=None)
    mark = mark_of(proposed(kind))
    done = apply_proposal(item.pk, actor=person, mark=mark)
    assert (done.resolved_by, done.resolved_at is None) == (person, False)
    before = Session.objects.order_by("pk").values(), SessionEvent.objects.count()
    assert apply_proposal(item.pk, actor=person, mark=mark).resolved_at == done.resolved_at
    assert (list(Session.objects.order_by("pk").values()), SessionEvent.objects.count()) == (
        list(before[0]),
        before[1],
    )
    assert AuditEntry.objects.filter(action="review.apply", object_id=str(item.pk)).count() == 1
    return done


def effect(proposal: Proposal) -> tuple[tuple[int, int | None], tuple[int, int | None]]:
    before, after = proposal.before, proposal.after
    return (before.energy_wh, before.satang), (after.energy_wh, after.satang)


def test_an_orphan_stop_is_attached_to_the_session_that_it_fits(
    station: Station, person: User
) -> None:
    """Somebody else's number and no card: too little to do it without asking."""
    session_id = start(station).transaction_id
    report(session_id, (EVENING + HOUR / 2, 5_000))
    curve = (ReadingInput(EVENING + HOUR * 3 / 4, 9_000, 7_000, Decimal("80.00")),)
    stop(station, 987_654, meter=11_000, readings=curve, frame='[2,"x","StopTransaction",{}]')
    found = proposed("ORPHAN_STOP")
    assert (found.remedy, found.why, found.session_id) == (Remedy.ATTACH, Why.FITS, session_id)
    assert effect(found) == ((4_000, None), (10_000, 10_000))
    item = do("ORPHAN_STOP", person)
    assert item.raw["frame"] == '[2,"x","StopTransaction",{}]'
    session = Session.objects.get()
    assert (session.state, session.energy_wh, session.is_held) == ("ENDED", 10_000, False)
    assert session.total_gross == Decimal("100.00")
    attached = Reading.objects.get(measured_at=EVENING + HOUR * 3 / 4)
    assert (attached.session_id, attached.power_w, attached.soc_percent) == (session_id, 7_000, 80)
    assert ReviewItem.objects.get().session == session


def test_an_orphan_stop_that_fits_nothing_or_too_much_changes_nothing(
    station: Station, person: User
) -> None:
    stop(station, 987_654, meter=11_000)
    found = proposed("ORPHAN_STOP")
    assert (found.remedy, found.why) == (Remedy.KEEP, Why.NOTHING_FITS)
    assert effect(found) == ((0, 0), (0, 0))
    for evse_id in (1, 2):
        start(station, evse_id=evse_id, token="")
    found = proposed("ORPHAN_STOP")
    assert (found.remedy, found.why) == (Remedy.WAIT, Why.SEVERAL_FIT)
    item = ReviewItem.objects.get(kind="ORPHAN_STOP")
    with pytest.raises(Conflict):
        apply_proposal(item.pk, actor=person, mark=mark_of(found))
    assert not ReviewItem.objects.exclude(resolved_at=None).exists()


def test_what_was_shown_is_what_is_applied(station: Station, person: User) -> None:
    session_id = start(station).transaction_id
    stop(station, 987_654, meter=11_000)
    shown = mark_of(proposed("ORPHAN_STOP"))
    stop(station, session_id, meter=10_000)
    item = ReviewItem.objects.get()
    with pytest.raises(Conflict):
        apply_proposal(item.pk, actor=person, mark=shown)
    item.refresh_from_db()
    assert item.resolved_at is None
    assert Session.objects.get().energy_wh == 9_000


@pytest.mark.parametrize(
    ("at", "meter", "kind", "why", "after"),
    [
        # 50 kW for an hour, a tenth and 1 kWh more: 56 kWh at 10.00.
        (LATER, 10_000_000, "IMPOSSIBLE_METER", Why.MOST_POSSIBLE, (56_000, 56_000)),
        (LATER + HOUR, 11_000, "CLOCK_FAULT", Why.RECEIVE_TIME, (10_000, 10_000)),
    ],
)
def test_a_held_session_is_billed_as_far_as_it_can_be_believed(
    station: Station,
    person: User,
    at: datetime,
    meter: int,
    kind: str,
    why: Why,
    after: tuple[int, int],
) -> None:
    session_id = start(station).transaction_id
    stop(station, session_id, at, meter=meter, received_at=LATER)
    found = proposed(kind)
    assert (found.remedy, found.why) == (Remedy.BILL, why)
    assert effect(found) == ((after[0], 0), after)
    do(kind, person)
    session = Session.objects.get()
    assert (session.is_held, session.energy_wh) == (False, after[0])
    assert session.total_gross == Decimal(after[1]) / 100


def test_a_session_without_energy_or_payer_is_not_billed_and_stays_so(
    station: Station, person: User
) -> None:
    operator = station.site.operator
    operator.tariffs.get().versions.update(price_per_session=20)
    empty = start(station).transaction_id
    stop(station, empty, meter=None)
    assert effect(proposed("IMPOSSIBLE_METER")) == ((0, 0), (0, 0))
    do("IMPOSSIBLE_METER", person)
    stranger = start(station, LATER, token="NOBODY").transaction_id
    stop(station, stranger, LATER + HOUR)
    assert effect(proposed("UNAUTHORIZED")) == ((10_000, 12_000), (10_000, 0))
    do("UNAUTHORIZED", person)
    for session in Session.objects.all():
        reprice(session, LATER)
        session.refresh_from_db()
        assert (session.total_gross, session.is_waived, session.is_held) == (0, True, False)
    assert not CostLine.objects.exists()


def test_the_next_start_tells_where_a_session_without_readings_ended(
    station: Station, person: User
) -> None:
    start(station)
    start(station, LATER, meter=11_000)
    found = proposed("SUPERSEDED")
    assert (found.remedy, found.why) == (Remedy.CLOSE, Why.NEXT_START)
    assert effect(found) == ((0, 0), (10_000, 0))  # its other item still holds it
    do("SUPERSEDED", person)
    session = Session.objects.order_by("pk")[0]
    assert (session.meter_stop_wh, session.energy_wh, session.is_held) == (11_000, 10_000, True)
    do("IMPOSSIBLE_METER", person)
    session.refresh_from_db()
    assert (session.is_held, session.total_gross) == (False, Decimal("100.00"))


def test_a_second_stop_replaces_the_first_only_where_that_cannot_be_right(
    station: Station, person: User
) -> None:
    good = start(station).transaction_id
    stop(station, good, meter=11_000)
    stop(station, good, meter=12_000)
    assert proposed("CONFLICTING_STOP").why is Why.FIRST_COUNTS
    do("CONFLICTING_STOP", person)
    bad = start(station, evse_id=2).transaction_id
    stop(station, bad, meter=500)
    stop(station, bad, meter=12_000)
    assert effect(proposed("CONFLICTING_STOP")) == ((0, 0), (11_000, 0))
    do("CONFLICTING_STOP", person)
    assert effect(proposed("IMPOSSIBLE_METER")) == ((11_000, 0), (11_000, 11_000))
    do("IMPOSSIBLE_METER", person)
    assert list(Session.objects.order_by("pk").values_list("energy_wh", flat=True)) == [
        10_000,
        11_000,
    ]


def test_a_session_without_a_tariff_waits_for_one(person: User) -> None:
    bare = make_station()
    stop(bare, start(bare, token="").transaction_id)
    assert proposed("NOT_PRICED").remedy is Remedy.WAIT
    make_tariff(bare.site.operator, price_per_kwh="6.50")
    assert effect(proposed("NOT_PRICED")) == ((10_000, None), (10_000, 6_500))
    do("NOT_PRICED", person)
    assert Session.objects.get().total_gross == Decimal("65.00")


def test_nothing_is_proposed_for_a_session_that_runs() -> None:
    running = Facts(1, is_open=True, is_held=True, has_payer=False, outcome=Outcome(5, None))
    closing = Closing(EVENING, 5, Outcome(5, 5))
    for kind in ReviewItem.Kind.values:
        found = propose(Case(kind, running, second=closing, priced=Outcome(5, 5)))
        assert (found.remedy, found.why) == (Remedy.WAIT, Why.STILL_RUNS)
        assert found.before == found.after
