"""What works and how fast: for load balancers, monitors and people.

Only the database is vital: without it nothing is true, and the answer is 503. Cache, broker and
channel layer carry hints: without them limits are counted per process, jobs wait for the broker
and commands reach chargers by the gateway's own look at the outbox, so the answer is 200 with
`degraded`. So it is without a gateway process: the web still serves everybody but chargers.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from csms.common import clock
from csms.common.api.examples import answered
from csms.common.api.permissions import Access
from csms.common.api.views import ApiView
from ocpp_gateway.models import GatewayNode, StationConnection

logger = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 2.0
# Anybody may ask: many questions at once cost one look.
REUSED_FOR_SECONDS = 1.0
GATEWAY_SILENCE = timedelta(seconds=60)
VITAL_PARTS = frozenset({"database"})

Check = Callable[[], dict[str, Any]]


class PartDown(Exception):
    """The part answered, and the answer is no."""


def check_database() -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        return {"backend": connection.vendor}
    finally:
        connection.close()


def check_cache() -> dict[str, Any]:
    key = f"health:{os.getpid()}"
    cache.set(key, 1, timeout=10)
    if cache.get(key) != 1:
        raise PartDown("what was written was not read back")
    return {"backend": "redis" if settings.REDIS_URL else "local"}


def check_broker() -> dict[str, Any]:
    url = settings.CELERY_BROKER_URL
    scheme = urlsplit(url).scheme
    if scheme in {"redis", "rediss"}:
        _ping(url)
    elif scheme == "filesystem":
        options: dict[str, str] = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
        folder = Path(options["data_folder_in"])
        if not os.access(folder, os.W_OK):
            raise PartDown("the broker's folder cannot be written")
    return {"backend": scheme}


def check_channel_layer() -> dict[str, Any]:
    config = settings.CHANNEL_LAYERS["default"]
    hosts = config.get("CONFIG", {}).get("hosts", [])
    for host in hosts:
        _ping(host["address"])
    return {"backend": "redis" if hosts else "memory"}


def check_gateway() -> dict[str, Any]:
    try:
        since = clock.now() - GATEWAY_SILENCE
        nodes = GatewayNode.objects.filter(heartbeat_at__gte=since).count()
        sockets = StationConnection.objects.filter(
            node__heartbeat_at__gte=since, closed_at__isnull=True
        ).count()
    finally:
        connection.close()
    if not nodes:
        raise PartDown("no gateway process is alive")
    return {"processes": nodes, "connections": sockets}


def _ping(url: str) -> None:
    with redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    ) as client:
        client.ping()


CHECKS: dict[str, Check] = {
    "database": check_database,
    "cache": check_cache,
    "broker": check_broker,
    "channel_layer": check_channel_layer,
    "gateway": check_gateway,
}


@dataclass(slots=True)
class _Running:
    future: Future[dict[str, Any]]
    started: float


class Examiner:
    """Runs the checks side by side, each at most once at a time, and waits a bounded time.

    A part that hangs keeps its one thread; later questions hear "no answer" without a new one.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(len(CHECKS), thread_name_prefix="health")
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}

    def examine(self, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        jobs = {name: self._start(name) for name in names}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        return {name: self._outcome(job, deadline) for name, job in jobs.items()}

    def _start(self, name: str) -> _Running:
        with self._lock:
            running = self._running.get(name)
            now = time.monotonic()
            if running is not None and (
                not running.future.done() or now - running.started < REUSED_FOR_SECONDS
            ):
                return running
            running = _Running(self._pool.submit(_timed, CHECKS[name]), now)
            self._running[name] = running
            return running

    def forget(self) -> None:
        """Let the next question look again at once."""
        with self._lock:
            self._running = {n: r for n, r in self._running.items() if not r.future.done()}

    @staticmethod
    def _outcome(job: _Running, deadline: float) -> dict[str, Any]:
        try:
            return job.future.result(timeout=max(deadline - time.monotonic(), 0))
        except TimeoutError:
            waited = round((time.monotonic() - job.started) * 1000, 1)
            return {"status": "down", "latency_ms": waited, "detail": {"error": "no answer"}}


def _timed(check: Check) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        detail, status = check(), "up"
    except Exception as error:
        # It is this part's state, whatever it is. The text may hold addresses: only logged.
        logger.warning("health_part_down", check=check.__name__, error=str(error))
        message = str(error) if isinstance(error, PartDown) else type(error).__name__
        detail, status = {"error": message}, "down"
    latency = round((time.perf_counter() - started) * 1000, 1)
    return {"status": status, "latency_ms": latency, "detail": detail}


examiner = Examiner()


class PartSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["up", "down"])
    latency_ms = serializers.FloatField()
    detail = serializers.DictField()


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["up", "degraded", "down"])
    version = serializers.CharField()
    time = serializers.DateTimeField()
    parts = serializers.DictField(child=PartSerializer())


HEALTH_EXAMPLE = {
    "status": "up",
    "version": "0.1.0",
    "time": "2026-11-20T04:58:11Z",
    "parts": {
        "database": {"status": "up", "latency_ms": 0.8, "detail": {"backend": "postgresql"}},
        "gateway": {
            "status": "up",
            "latency_ms": 1.9,
            "detail": {"processes": 1, "connections": 20},
        },
    },
}


class OpenView(ApiView):
    """No sign-in and no limit: a probe must not fail because something else asked too often."""

    access: ClassVar = {"GET": Access(public=True)}
    authentication_classes = ()
    throttle_classes = ()

    def report(self, names: tuple[str, ...]) -> Response:
        parts = examiner.examine(names)
        down = {name for name, part in parts.items() if part["status"] != "up"}
        status = "down" if down & VITAL_PARTS else "degraded" if down else "up"
        return Response(
            {
                "status": status,
                "version": settings.SPECTACULAR_SETTINGS["VERSION"],
                "time": clock.now(),
                "parts": parts,
            },
            status=503 if status == "down" else 200,
        )


HEALTH_SCHEMA: dict[str, Any] = {
    "description": "503 if the database is down; 200 with `degraded` if another part is.",
    "tags": ["health"],
    "responses": {200: HealthSerializer, 503: HealthSerializer},
    "examples": [
        answered(HEALTH_EXAMPLE),
        answered({**HEALTH_EXAMPLE, "status": "down"}, 503, "down"),
    ],
}


class HealthView(OpenView):
    @extend_schema(operation_id="health", summary="Every part with its latency", **HEALTH_SCHEMA)
    def get(self, request: Request) -> Response:
        return self.report(tuple(CHECKS))


class ApiHealthView(HealthView):
    @extend_schema(operation_id="api_health", summary="The same as /health", **HEALTH_SCHEMA)
    def get(self, request: Request) -> Response:
        return super().get(request)


class ReadinessView(OpenView):
    @extend_schema(
        operation_id="ready",
        summary="May this process get requests?",
        **HEALTH_SCHEMA,
    )
    def get(self, request: Request) -> Response:
        return self.report(tuple(sorted(VITAL_PARTS)))


class LivenessSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["up"])


class LivenessView(OpenView):
    @extend_schema(
        operation_id="alive",
        summary="Does this process answer at all?",
        description="Looks at nothing outside of the process.",
        tags=["health"],
        responses={200: LivenessSerializer},
        examples=[answered({"status": "up"})],
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "up"})
