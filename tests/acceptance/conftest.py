"""One installation for all of the acceptance tests, made by the documented commands alone."""

import base64
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from django_otp.oath import totp

from tests.acceptance.cars import PASSWORD
from tests.acceptance.installation import Client, Installation, RedisServer, Server, new_database

OPERATOR = "Acceptance Energy"
STAFF_PASSWORD = "a-long-staff-password-1"
IDENTITIES = (
    *("ACC-TARIFF", "ACC-REMOTE", "ACC-BOOT", "ACC-NOBOOT", "ACC-HOSTILE", "ACC-OTHER"),
    "ACC-DRIVER",
)
# One price always, and one that the tests fill with windows.
MAKE_TARIFFS = f"""
from datetime import datetime, UTC
from decimal import Decimal
from accounts.models import Operator
from csms.common.audit import SystemActor
from transactions.services.tariffs import create_version, tariff_named
operator = Operator.objects.get(name="{OPERATOR}")
flat = tariff_named(operator, "Flat", is_default=True)
create_version(
    flat, actor=SystemActor("test"), effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    price_per_kwh=Decimal("7.50"),
)
print("tariff", tariff_named(operator, "By time of use").pk)
"""
COLUMNS = "identity,password,operator,site,latitude,longitude,connectors,max_power_kw"
DATABASE_URL = os.environ.get("DATABASE_URL", "")
IS_POSTGRESQL = DATABASE_URL.startswith("postgres")


@dataclass
class Staff:
    """A person with an authenticator app."""

    email: str
    secret: str

    def code(self) -> str:
        padded = self.secret + "=" * (-len(self.secret) % 8)
        return f"{totp(base64.b32decode(padded), t0=0, step=30):06d}"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer | None]:
    """Only beside PostgreSQL: the embedded installation has none."""
    program = shutil.which("redis-server")
    if not IS_POSTGRESQL or program is None:
        yield None
        return
    server = RedisServer(program, tmp_path_factory.mktemp("redis"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer | None
) -> Iterator[Installation]:
    """Migrated, with stations and tokens from files; no server runs yet."""
    database = new_database(DATABASE_URL) if IS_POSTGRESQL else nullcontext("")
    with database as url:
        made = Installation(
            tmp_path_factory.mktemp("installation"), url, redis_server.url if redis_server else ""
        )
        try:
            made.manage("migrate", "--no-input")
            lines = [
                f"{identity},{PASSWORD},{OPERATOR},Rama IV,13.7263,100.5443,1,50"
                for identity in IDENTITIES
            ]
            stations = made.file("stations.csv", "\n".join([COLUMNS, *lines]))
            assert f"{len(IDENTITIES)} stations created" in made.manage(
                "import_chargepoints", stations
            )
            tokens = made.file("tokens.csv", "token,type,status\nCARD0001,RFID,ACCEPTED\n")
            assert "1 tokens created" in made.manage("import_tokens", tokens)
            made.tariff = int(made.manage("shell", "-c", MAKE_TARIFFS).split()[-1])
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="session")
def staff(installation: Installation) -> Staff:
    arguments = ("create_staff", "boss@example.com", "--role", "SUPERADMIN")
    printed = installation.manage(*arguments, "--password", STAFF_PASSWORD)
    secret = next(line for line in printed.splitlines() if line.startswith("Secret: "))
    return Staff("boss@example.com", secret.removeprefix("Secret: "))


@pytest.fixture(scope="session")
def server(installation: Installation) -> Server:
    return installation.serve()


@pytest.fixture(scope="session")
def signed_in(server: Server, staff: Staff) -> Client:
    """Staff with a token from password and one-time code."""
    body = {"email": staff.email, "password": STAFF_PASSWORD, "code": staff.code()}
    status, answer = Client(server, {}).call("POST", "/api/admin/auth/login", body)
    assert status == 200, answer
    return Client(server, {"Authorization": f"Bearer {answer['access']}"})


def client_with_key(installation: Installation, server: Server, *scopes: str) -> Client:
    options = [part for scope in scopes for part in ("--scope", scope)]
    key = installation.manage("create_api_key", f"test {time.time_ns()}", *options).strip()
    return Client(server, {"X-Api-Key": key})


@pytest.fixture(scope="session")
def partner(installation: Installation, server: Server) -> Client:
    """A program with a key that may only read."""
    return client_with_key(installation, server, "read")
