"""Which services a test run really uses, said once and enforced where it was promised."""

import os

import pytest
from django.conf import settings
from django.db import connection


def describe() -> str:
    """One line for the head of the run: where rows and channel messages go."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("postgresql"):
        where = f"PostgreSQL at {database['HOST']}:{database.get('PORT') or 5432}"
    else:
        where = "SQLite (embedded)"
    channels = "Redis" if settings.REDIS_URL else "in memory (embedded)"
    return f"database: {where}; channel layer and cache: {channels}"


def refuse_unless_promised() -> None:
    """End the run if REQUIRE_POSTGRESQL=1 or REQUIRE_REDIS=1 was promised and is not so."""
    engine = settings.DATABASES["default"]["ENGINE"]
    if os.environ.get("REQUIRE_POSTGRESQL") == "1" and not engine.endswith("postgresql"):
        pytest.exit("REQUIRE_POSTGRESQL=1, but DATABASE_URL names no PostgreSQL.", returncode=3)
    if os.environ.get("REQUIRE_REDIS") == "1" and not settings.REDIS_URL:
        pytest.exit("REQUIRE_REDIS=1, but REDIS_URL is not set.", returncode=3)


def database_version() -> str:
    """What the server itself says it is."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version")
        else:
            cursor.execute("SELECT sqlite_version()")
        return f"{connection.vendor} {cursor.fetchone()[0]}"
