"""A charger that is ready, and a driver with the app."""

import pytest

from accounts.models import User
from chargepoints.models import Station
from tests.api.client import ApiClient
from tests.support.factories import (
    make_driver,
)
from tests.transactions.drivers import make_ready_station


@pytest.fixture
def station() -> Station:
    return make_ready_station("CP1", connectors=2, public_code="CODE1")


@pytest.fixture
def driver() -> User:
    return make_driver("driver@example.com")


@pytest.fixture
def app(driver: User) -> ApiClient:
    return ApiClient.of(driver)
