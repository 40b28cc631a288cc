"""Finds PostgreSQL and Redis for `make test` and prints the exports of a shell.

What DATABASE_URL and REDIS_URL say counts; otherwise the services that answer on localhost with
the usual credentials. Prints which they are to standard error.
"""

import os
import shlex
import sys

import psycopg
import redis

USUAL_DATABASES = (
    "postgres://postgres@127.0.0.1:5432/postgres",
    "postgres://postgres:postgres@127.0.0.1:5432/postgres",
    "postgres://csms:csms@127.0.0.1:5432/postgres",
)
# Not 0: somebody's own rows may be there, and tests empty what they use.
USUAL_REDIS = "redis://127.0.0.1:6379/15"


def may_create_databases(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.OperationalError:
        return False
    return bool(row and row[0])


def answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2).ping())
    except redis.RedisError:
        return False


def find_database() -> str:
    given = os.environ.get("DATABASE_URL", "")
    return given or next((url for url in USUAL_DATABASES if may_create_databases(url)), "")


def find_redis() -> str:
    given = os.environ.get("REDIS_URL", "")
    return given or (USUAL_REDIS if answers(USUAL_REDIS) else "")


def main() -> None:
    found = {"DATABASE_URL": find_database(), "REDIS_URL": find_redis()}
    names = {"DATABASE_URL": "PostgreSQL", "REDIS_URL": "Redis"}
    for variable, url in found.items():
        state = "from the environment" if os.environ.get(variable) else "answers on localhost"
        text = f"{names[variable]} {state}" if url else f"no {names[variable]}: embedded instead"
        sys.stderr.write(f"{text}\n")
        sys.stdout.write(f"export {variable}={shlex.quote(url)}\n")


if __name__ == "__main__":
    main()
