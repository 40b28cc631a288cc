"""The price that a driver was shown is the one that counts."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from chargepoints.models import Connector, Station
from csms.common.audit import SystemActor
from tests.support.factories import connector_of
from tests.transactions import support
from tests.transactions.driver_sessions.support import refused
from tests.transactions.drivers import (
    Clock,
    create,
    start,
)
from tests.transactions.support import EVENING
from transactions.models import Session, TariffVersion
from transactions.services import payment_gate
from transactions.services.driver_sessions import (
    PriceChanged,
    PriceShown,
    create_session,
)
from transactions.services.tariffs import create_version

pytestmark = pytest.mark.django_db


def test_another_price_than_the_one_shown_is_refused_with_the_new_one(
    station: Station, driver: User
) -> None:
    connector = Connector.objects.select_related("evse__station__site__operator").get(
        pk=connector_of(station).pk
    )
    old = TariffVersion.objects.get()
    new = create_version(
        old.tariff,
        actor=SystemActor("test"),
        effective_from=EVENING,
        price_per_kwh=Decimal("9.00"),
    )
    for shown in (
        PriceShown(names_version=True, version_id=old.pk),
        PriceShown(names_version=True, version_id=None),
        PriceShown(names_version=False, price_per_kwh=Decimal("7.50")),
        PriceShown(names_version=True, version_id=new.pk, price_per_kwh=Decimal("7.50")),
    ):
        with pytest.raises(PriceChanged) as refusal:
            create_session(driver, connector, shown)
        assert refusal.value.offer.version == new
        assert refusal.value.offer.price_per_kwh == Decimal("9.00")
    assert not Session.objects.exists()
    shown = PriceShown(names_version=True, version_id=new.pk, price_per_kwh=Decimal("9"))
    assert create_session(driver, connector, shown).is_new


def test_the_price_that_was_agreed_to_stays_although_it_changes_before_the_start(
    station: Station, driver: User, now: Clock
) -> None:
    session = start(driver, station)
    create_version(
        TariffVersion.objects.get().tariff,
        actor=SystemActor("test"),
        effective_from=now.passes(minutes=1),
        price_per_kwh=Decimal("99"),
    )
    support.start(station, now.passes(minutes=1), token=session.id_token_value)
    support.stop(station, session.pk, now.passes(hours=1))
    session.refresh_from_db()
    assert session.total_gross == Decimal("75.00")


def test_a_payment_method_is_asked_for_only_where_it_is_wanted_and_charging_costs(
    station: Station, driver: User, settings: Any
) -> None:
    settings.CHARGING_REQUIRES_PAYMENT_METHOD = True
    assert refused(lambda: create(driver, station)) == "payment_method_required"
    assert not Session.objects.exists()
    version = TariffVersion.objects.get()
    version.price_per_kwh = Decimal(0)
    version.save()
    create(driver, station)


def test_payments_decide_once_they_are_here(
    station: Station, driver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[User, int]] = []

    def gate(who: User, connector: Connector, offer: object) -> None:
        asked.append((who, connector.pk))
        raise payment_gate.PaymentMethodRequired("The card has expired.")

    monkeypatch.setattr(payment_gate, "_gates", [payment_gate.without_payment_methods])
    payment_gate.install(gate)
    assert refused(lambda: create(driver, station)) == "payment_method_required"
    assert asked == [(driver, connector_of(station).pk)]
