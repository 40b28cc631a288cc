"""An installation on services of its own, which the tests may break."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.cars import PASSWORD
from tests.acceptance.conftest import COLUMNS, MAKE_TARIFFS, OPERATOR
from tests.acceptance.installation import Installation, RedisServer, Server
from tests.faults.cluster import Cluster, why_not
from tests.faults.scale import scaled
from tests.faults.wire import identity_of
from tests.ocpp_gateway.conftest import _no_attempts_remembered, server, socket, station

__all__ = ["_no_attempts_remembered", "server", "socket", "station"]

# The first 2,000 have their part in some test, all of them in the storm.
STATIONS = max(2_000, scaled(5_000))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if reason := why_not():
        pytest.skip(reason)
    made = Cluster()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on this machine")
    redis = RedisServer(program, tmp_path_factory.mktemp("redis"))
    redis.start()
    try:
        yield redis
    finally:
        redis.stop()


@pytest.fixture(scope="session")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, own_redis: RedisServer
) -> Iterator[Installation]:
    """Migrated, with stations for all and one token; no server runs yet."""
    made = Installation(tmp_path_factory.mktemp("fleet"), cluster.url, own_redis.url)
    made.environment["API_RATE_API_KEY"] = "100000/m"
    try:
        made.manage("migrate", "--no-input")
        lines = [
            f"{identity_of(number)},{PASSWORD},{OPERATOR},Rama IV,13.7263,100.5443,1,50"
            for number in range(STATIONS)
        ]
        made.manage("import_chargepoints", made.file("stations.csv", "\n".join([COLUMNS, *lines])))
        tokens = made.file("tokens.csv", "token,type,status\nCARD0001,RFID,ACCEPTED\n")
        made.manage("import_tokens", tokens)
        made.manage("shell", "-c", MAKE_TARIFFS)
        yield made
    finally:
        made.stop()


Serve = Callable[..., Server]


@pytest.fixture
def serve(fleet: Installation) -> Iterator[Serve]:
    """Start a gateway with settings of its own; it ends with the test."""
    started: list[Server] = []

    def start(how: str = "serve", **settings: str) -> Server:
        usual = dict(fleet.environment)
        fleet.environment.update(settings)
        try:
            started.append(fleet.serve(how))
        finally:
            fleet.environment.clear()
            fleet.environment.update(usual)
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.kill()  # how a server ends is T3's to show
