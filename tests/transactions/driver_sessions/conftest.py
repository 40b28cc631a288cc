"""A charger that is ready in the evening, and a driver."""

import pytest

from accounts.models import User
from chargepoints.models import Station
from tests.support.factories import make_driver
from tests.transactions.drivers import (
    Clock,
    frozen_clock,
    make_ready_station,
)
from tests.transactions.support import EVENING


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return frozen_clock(monkeypatch, EVENING)


@pytest.fixture
def station(now: Clock) -> Station:
    return make_ready_station("CP1", connectors=2)


@pytest.fixture
def driver() -> User:
    return make_driver()
