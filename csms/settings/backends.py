"""Database, cache, channel layer and broker, from `DATABASE_URL` and `REDIS_URL` or embedded."""

from pathlib import Path
from typing import Any

from csms.settings.env import env

# A process whose host vanished, or that hangs in a transaction, holds its locks until PostgreSQL
# notices: by itself after hours, while every other process waits.
_SERVER_SIDE = (
    "-c idle_in_transaction_session_timeout=120s "
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=30s"
)


def postgresql(url: str) -> dict[str, Any]:
    """PostgreSQL through psycopg's pool; `CONN_MAX_AGE` stays 0 because the pool keeps them."""
    config: dict[str, Any] = env.db_url_config(url)
    are_prepared = env.bool("DATABASE_PREPARED_STATEMENTS", default=True)
    config["ENGINE"] = "django.db.backends.postgresql"
    config["CONN_MAX_AGE"] = 0
    given = config.get("OPTIONS", {})
    # No look at each before it is lent (CONN_HEALTH_CHECKS): after a restart of the server the pool
    # waits a second at the first dead one, ever longer at the next ones, and gives up after 10.
    config["OPTIONS"] = {
        **given,
        "pool": {
            "min_size": env.int("DATABASE_POOL_MIN", default=1),
            "max_size": env.int("DATABASE_POOL_MAX", default=20),
            "timeout": 10,
        },
        "connect_timeout": 5,
        # A database host that vanishes without a word is noticed in half a minute, not in hours.
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        # What a connection runs for the fifth time is planned once and for all: planning is half of
        # PostgreSQL's work for our short statements.
        "server_side_binding": are_prepared,
        "prepare_threshold": 5 if are_prepared else None,
        "application_name": "csms",
    }
    if env.bool("DATABASE_SERVER_TIMEOUTS", default=are_prepared):
        # What the operator says comes last and counts.
        config["OPTIONS"]["options"] = f"{_SERVER_SIDE} {given.get('options', '')}".strip()
    return config


def sqlite(path: Path | str) -> dict[str, Any]:
    """SQLite for one machine: WAL, so that readers never wait; writers queue instead of failing.

    `synchronous=FULL`, because an acknowledged reading must survive a power cut here as well.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            ),
        },
    }


def database(default_path: Path) -> dict[str, Any]:
    url = str(env.str("DATABASE_URL", default=""))
    if not url:
        return sqlite(default_path)
    if url.startswith("sqlite"):
        return sqlite(env.db_url_config(url)["NAME"])
    return postgresql(url)


def channel_layers(redis_url: str) -> dict[str, Any]:
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    return {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": redis_url, "socket_connect_timeout": 2}]},
        }
    }


def caches(redis_url: str) -> dict[str, Any]:
    if not redis_url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_url,
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }


def celery_broker(redis_url: str, folder: Path) -> dict[str, Any]:
    """Celery's settings: Redis, or a broker made of files under `folder` for one machine."""
    if redis_url:
        return {
            "CELERY_BROKER_URL": redis_url,
            "CELERY_BROKER_TRANSPORT_OPTIONS": {
                "visibility_timeout": 900,
                "socket_timeout": 5,
                "socket_connect_timeout": 2,
            },
        }
    queue = folder / "broker"
    for name in ("messages", "control", "processed"):
        (queue / name).mkdir(parents=True, exist_ok=True)
    return {
        "CELERY_BROKER_URL": "filesystem://",
        "CELERY_BROKER_TRANSPORT": "csms.common.broker:Transport",
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            "data_folder_in": str(queue / "messages"),
            "data_folder_out": str(queue / "messages"),
            "control_folder": str(queue / "control"),
            "processed_folder": str(queue / "processed"),
            "store_processed": False,
        },
    }
