"""One-time tickets of live feeds."""

from datetime import timedelta
from uuid import uuid4

import pytest

from csms.common import clock, tickets
from csms.common.models import LiveTicket
from csms.common.tasks import purge_live_tickets
from csms.common.tickets import LIFETIME, Admission
from tests.support.factories import make_driver

pytestmark = pytest.mark.django_db


def test_a_ticket_opens_what_it_was_given_for_once() -> None:
    now = clock.now()
    given = Admission(make_driver().pk, uuid4(), "board")
    ticket = tickets.issue(given, now)
    assert ticket not in str(LiveTicket.objects.values().get())
    assert tickets.redeem(ticket[:-1], now) is None
    assert tickets.redeem(ticket, now) == given
    assert tickets.redeem(ticket, now) is None


def test_a_ticket_that_comes_too_late_is_spent_too() -> None:
    now = clock.now()
    ticket = tickets.issue(Admission(make_driver().pk, uuid4(), "board"), now)
    assert tickets.redeem(ticket, now + LIFETIME) is None
    assert tickets.redeem(ticket, now) is None


def test_what_nobody_came_with_is_deleted() -> None:
    now, driver = clock.now(), make_driver()
    for age in (LIFETIME + timedelta(seconds=1), timedelta()):
        tickets.issue(Admission(driver.pk, uuid4(), "board"), now - age)
    assert purge_live_tickets() == 1
    assert LiveTicket.objects.count() == 1
