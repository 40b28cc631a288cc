"""Figures for Prometheus at `/metrics`, for the operator's own monitoring only.

Open to this machine and to `METRICS_ALLOWED_NETWORKS`, or to whoever brings `METRICS_TOKEN`;
everybody else gets 404. Requests are counted in the process that serves them: each process says its
own, unless `PROMETHEUS_MULTIPROC_DIR` names a folder that the processes of a machine share. What
stands in the database is read when it is asked for, and is the same from every process.
"""

import hmac
import ipaddress
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from rest_framework.settings import api_settings

from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from csms.common.api.addresses import client_address
from ocpp_gateway.models import StationConnection
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session

logger = structlog.get_logger(__name__)

disable_created_metrics()
REGISTRY = CollectorRegistry()
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Routes, never paths: a path holds identities and ids, and there is no end of them.
REQUESTS = Counter(
    "csms_http_requests", "Requests answered.", ["method", "route", "status"], registry=REGISTRY
)
DURATION = Histogram(
    "csms_http_request_seconds",
    "Time until a request was answered.",
    ["method", "route"],
    buckets=SECONDS,
    registry=REGISTRY,
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BROKER_TIMEOUT_SECONDS = 1.0


class MetricsMiddleware:
    """Counts each answer under its route."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match is not None else "none"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, route, str(response.status_code)).inc()
        DURATION.labels(method, route).observe(time.perf_counter() - started)
        return response


class StateCollector(Collector):
    """What the database and the broker hold now; a part that does not answer is left out."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            yield from self._rows()
        except DatabaseError as error:
            logger.warning("metrics_database_away", error=str(error))
        waiting = jobs_waiting()
        if waiting is not None:
            yield GaugeMetricFamily("csms_jobs_waiting", "Jobs that no worker took.", waiting)

    def _rows(self) -> Iterator[GaugeMetricFamily]:
        stations = Station.objects.filter(archived_at__isnull=True)
        yield GaugeMetricFamily("csms_stations", "Stations in use.", stations.count())
        yield GaugeMetricFamily(
            "csms_stations_online",
            "Stations that are connected.",
            stations.filter(is_online=True).count(),
        )
        yield GaugeMetricFamily(
            "csms_connections",
            "Sockets of chargers that are open.",
            StationConnection.objects.filter(closed_at__isnull=True).count(),
        )
        yield GaugeMetricFamily(
            "csms_sessions_open",
            "Sessions that run.",
            Session.objects.filter(state__in=[s.value for s in OPEN_SESSION_STATES]).count(),
        )
        commands = GaugeMetricFamily(
            "csms_commands_waiting", "Commands that are not final.", labels=["status"]
        )
        for status in (CommandStatus.QUEUED, CommandStatus.SENT):
            commands.add_metric([status.value], Command.objects.filter(status=status).count())
        yield commands


def jobs_waiting() -> int | None:
    """Messages in the queue of the jobs; None where the broker does not say."""
    url = str(settings.CELERY_BROKER_URL)
    if urlsplit(url).scheme not in {"redis", "rediss"}:
        return None
    timeout = BROKER_TIMEOUT_SECONDS
    client = redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)
    try:
        length = client.llen("celery")
        return length if isinstance(length, int) else None
    except redis.RedisError as error:
        logger.warning("metrics_broker_away", error=str(error))
        return None
    finally:
        client.close()


def registries() -> Iterator[CollectorRegistry]:
    if settings.PROMETHEUS_MULTIPROC_DIR:
        shared = CollectorRegistry()
        multiprocess.MultiProcessCollector(shared)
        yield shared
    else:
        yield REGISTRY
        own = CollectorRegistry()
        ProcessCollector(registry=own)
        PlatformCollector(registry=own)
        yield own
    state = CollectorRegistry()
    state.register(StateCollector())
    yield state


def metrics(request: HttpRequest) -> HttpResponse:
    """404 for whoever may not see it: nobody has to know that it is there."""
    if request.method not in {"GET", "HEAD"} or not may_see(request):
        raise Http404
    text = b"".join(generate_latest(registry) for registry in registries())
    response = HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
    response["Cache-Control"] = "private, no-store"
    return response


def may_see(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode()):
        return True
    if "X-Forwarded-For" in request.headers and not api_settings.NUM_PROXIES:
        # A proxy that nobody told us of: the peer's address is its, not the caller's.
        return False
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.METRICS_ALLOWED_NETWORKS)
