"""The scratch database of a run: made, filled with stations, read for verification, dropped."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from benchmarks import messages
from benchmarks.server import ROOT
from benchmarks.verification import StoredReading, StoredSession

OPERATOR = "benchmark"
COLUMNS = (
    "identity,password,operator,site,latitude,longitude,vendor,model,ocpp_versions,"
    "security_profile,connectors,connector_type,max_power_kw,tariff"
)
ROWS_A_FETCH = 10_000


@contextmanager
def scratch_database(folder: Path) -> Iterator[str]:
    """Address of an empty database: beside the one that DATABASE_URL names, or a SQLite file.

    Real data is never touched, nor is another run's: the database's name ends in our process id.
    """
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{folder / 'benchmark.sqlite3'}"
        return
    parts = urlsplit(url)
    name = f"{parts.path.strip('/')}_benchmark_{os.getpid()}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(drop)


def manage(environment: dict[str, str], *arguments: str) -> None:
    """Run one `manage.py` command to its end; its output is shown only if it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")


class Credentials(NamedTuple):
    identity: str
    password: str
    id_tag: str


def prepare(environment: dict[str, str], folder: Path, stations: int) -> list[Credentials]:
    """Migrate, then import stations and an RFID card for each."""
    manage(environment, "migrate", "--verbosity", "0")
    credentials = [
        Credentials(f"BENCH-{number:05}", f"benchmark-{number:05}-secret", f"CARD{number:05}")
        for number in range(stations)
    ]
    station_file = folder / "stations.csv"
    station_file.write_text(
        "\n".join(
            [
                COLUMNS,
                *(
                    f"{identity},{password},{OPERATOR},Benchmark,13.745570,100.534960,Benchmark,"
                    f"Load,ocpp1.6,1,1,CCS2,60,"
                    for identity, password, _id_tag in credentials
                ),
                "",
            ]
        )
    )
    manage(environment, "import_chargepoints", str(station_file))
    token_file = folder / "tokens.csv"
    token_file.write_text(
        "\n".join(
            [
                "token,type,status,expires_at,group,driver_email",
                *(f"{found.id_tag},ISO14443,Accepted,,," for found in credentials),
                "",
            ]
        )
    )
    manage(environment, "import_tokens", str(token_file))
    _gather_statistics(environment["DATABASE_URL"])
    return credentials


def _gather_statistics(url: str) -> None:
    """What PostgreSQL's autovacuum does within a minute of an import."""
    if url.startswith("postgres"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")


def use_from_here(environment: dict[str, str]) -> None:
    """Let this process read the scratch database through the project's own models."""
    os.environ.update(environment)
    import django

    django.setup()


def close() -> None:
    """Give the connections back, so that the database can be dropped."""
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    for connection in connections.all():
        connection.close()
        if isinstance(connection, DatabaseWrapper):
            connection.close_pool()


def create_tariff() -> None:
    """The operator's default tariff: one price per kWh."""
    from accounts.models import Operator
    from transactions.models import Tariff, TariffVersion

    tariff = Tariff.objects.create(
        operator=Operator.objects.get(code=OPERATOR), name="Benchmark", is_default=True
    )
    TariffVersion.objects.create(
        tariff=tariff,
        effective_from=datetime(2020, 1, 1, tzinfo=UTC),
        price_per_kwh=messages.PRICE_PER_KWH,
    )


def database_name() -> str:
    """Name and version of the database server, or SQLite's."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return "SQLite"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"


def database_pids(url: str) -> list[int]:
    """PostgreSQL's processes that work for the database at `url`, if they are on this machine."""
    if not url.startswith("postgres"):
        return []
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()"
        ).fetchall()
    return [pid for (pid,) in rows if Path(f"/proc/{pid}/comm").is_file()]


def stored_readings(since: datetime) -> Iterator[StoredReading]:
    """Every reading received from `since` on."""
    from transactions.models import Reading

    rows = Reading.objects.filter(received_at__gte=since).values_list(
        "station__identity", "session_id", "energy_wh", "power_w", "soc_percent", "current_a"
    )
    for identity, session_id, *values in rows.iterator(chunk_size=ROWS_A_FETCH):
        yield StoredReading(identity, session_id, messages.Sample._make(values))


def stored_sessions() -> Iterator[StoredSession]:
    from transactions.models import Session

    rows = Session.objects.values_list("id", "state", "energy_wh", "total_gross")
    for row in rows.iterator(chunk_size=ROWS_A_FETCH):
        yield StoredSession(*row)
