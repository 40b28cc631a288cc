from collections.abc import Iterator

import pytest

from chargepoints.models import Station
from ocpp_gateway import credentials, limits
from tests.ocpp_gateway.contract import CARD, Bench
from tests.ocpp_gateway.servers import Charger, GatewayServer, charger, running_server
from tests.support.factories import make_id_token, make_station, make_tariff


@pytest.fixture(autouse=True)
def _no_attempts_remembered() -> None:
    """Keys of rows return when a test's rows are gone; what was tried on them must not."""
    limits.wrong_passwords.clear()
    limits.refusals.clear()
    credentials.forget()


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


@pytest.fixture
def bench(socket: Charger, station: Station) -> Bench:
    """A charge point that has booted, an operator with a price, and a card that may charge."""
    make_id_token(CARD)
    make_tariff(station.site.operator)
    return Bench(socket, station)
