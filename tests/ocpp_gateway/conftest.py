from collections.abc import Iterator

import pytest

from chargepoints.models import Station
from ocpp_gateway import auth
from tests.ocpp_gateway.servers import Charger, GatewayServer, charger, running_server
from tests.support.factories import make_station


@pytest.fixture(autouse=True)
def _no_attempts_remembered() -> None:
    """Keys of rows return when a test's rows are gone; what was tried on them must not."""
    auth._failures.clear()
    auth._refusals.clear()
    auth._verified.clear()


@pytest.fixture
def server(transactional_db: None) -> Iterator[GatewayServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def station(transactional_db: None) -> Station:
    return make_station("TH-BKK-0001", connectors=2)


@pytest.fixture
def socket(server: GatewayServer, station: Station) -> Iterator[Charger]:
    """A charger that has booted."""
    with charger(server, station) as connected:
        connected.boot()
        yield connected
