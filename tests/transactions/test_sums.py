"""The database checks that lines and totals add up, to the satang and on every back end."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from tests.support import factories
from transactions.models import CostLine, Session

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


@pytest.fixture
def session(db: None) -> Session:
    station = factories.make_station()
    return Session.objects.create(
        station=station,
        connector=factories.connector_of(station),
        state="ENDED",
        started_at=NOON,
        ended_at=NOON,
    )


def line(session: Session, position: int, net: Decimal, tax: Decimal, gross: Decimal) -> CostLine:
    return CostLine(
        session=session,
        position=position,
        kind=CostLine.Kind.ENERGY,
        starts_at=NOON,
        ends_at=NOON,
        quantity=Decimal(1),
        unit="kWh",
        unit_price=gross,
        net=net,
        tax=tax,
        gross=gross,
    )


@pytest.mark.django_db
def test_every_sum_that_adds_up_is_accepted(session: Session) -> None:
    """SQLite keeps decimals as floats, where more than a third of these are off by a bit."""
    CostLine.objects.bulk_create(
        line(session, number, net, tax, net + tax)
        for number in range(3_000)
        for net, tax in [(Decimal(number * 731) / 100, Decimal(number * 51) / 100)]
    )


@pytest.mark.django_db
@pytest.mark.parametrize("off", ["0.01", "-0.01", "1"])
def test_a_satang_too_much_or_too_little_is_refused(session: Session, off: str) -> None:
    net, tax = Decimal("65.66"), Decimal("4.60")
    with pytest.raises(IntegrityError, match="cost_line_adds_up"), transaction.atomic():
        line(session, 1, net, tax, net + tax + Decimal(off)).save()
    with pytest.raises(IntegrityError, match="session_total_adds_up"), transaction.atomic():
        Session.objects.filter(pk=session.pk).update(
            total_net=net, total_tax=tax, total_gross=net + tax + Decimal(off)
        )
    Session.objects.filter(pk=session.pk).update(
        total_net=net, total_tax=tax, total_gross=net + tax
    )
