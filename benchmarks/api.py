"""How long the API's main reads take with 50,000 stations and 1,000,000 sessions.

`python -m benchmarks.api`: makes a PostgreSQL database of its own, fills it, asks each route many
times through Django's whole stack (middleware, authentication, permission, serialisation) in this
process, and prints p50, p95 and p99 in milliseconds. No network, no other load: what is measured
is the application and its database. Every answer has to be a 200.
"""

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks import database
from benchmarks.country import CITIES
from benchmarks.report import percentile

Paths = Callable[[random.Random], str]


@dataclass
class Route:
    """`paths` draws an address; `limit_ms` is what p95 may be."""

    name: str
    paths: Paths
    as_who: str = "anonymous"
    limit_ms: float | None = None
    milliseconds: list[float] = field(default_factory=list)
    kilobytes: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=50_000)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=300, help="of each route")
    parser.add_argument("--explain", action="store_true", help="show the plan of the nearby query")
    parser.add_argument("--profile", default="", help="profile the route with this in its name")
    given = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        sys.stderr.write("DATABASE_URL names no PostgreSQL.\n")
        return 2
    with tempfile.TemporaryDirectory() as folder, database.scratch_database(Path(folder)) as url:
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": "",
            "CSMS_VAR_DIR": folder,
            "CSMS_READ_DOTENV": "0",
            "DJANGO_ALLOWED_HOSTS": "testserver",
            "DJANGO_SETTINGS_MODULE": "csms.settings.local",
            "LOG_LEVEL": "WARNING",
        }
        database.manage(environment, "migrate", "--verbosity", "0")
        database.use_from_here(environment)
        return measured(given)


def measured(given: argparse.Namespace) -> int:
    from django.db import connection

    from benchmarks import country

    started = time.perf_counter()
    country.build(given.stations, given.sessions)
    print(
        f"{given.stations:,} stations and {given.sessions:,} sessions "
        f"in {time.perf_counter() - started:.0f} s."
    )
    routes = the_routes()
    if given.explain:
        explain_nearby()
    with without_limits():
        if given.profile:
            profile([r for r in routes if given.profile in r.name], given.requests)
            return 0
        run(routes, given.requests)
    print(table(routes))
    connection.close()
    late = [r for r in routes if r.limit_ms and percentile(sorted(r.milliseconds), 95) > r.limit_ms]
    for route in late:
        print(f"{route.name}: p95 is above {route.limit_ms:g} ms.")
    return 1 if late else 0


def place(chance: random.Random) -> tuple[float, float]:
    """Where people are who look for a charger: as the stations are."""
    draw = chance.random() * 750
    for _name, latitude, longitude, share, spread in CITIES:
        draw -= share
        if draw < 0:
            return (
                latitude + chance.gauss(0, spread / 2),
                longitude + chance.gauss(0, spread / 2),
            )
    return 13.75, 100.53


def the_routes() -> list[Route]:
    from accounts.models import Operator
    from chargepoints.models import Station
    from transactions.models import Session

    chance = random.Random(4711)
    stations = list(Station.objects.order_by("pk").values_list("public_code", "identity"))
    chosen = chance.sample(stations, min(1000, len(stations)))
    sessions = list(Session.objects.order_by("-pk").values_list("public_id", flat=True)[:1000])
    first = Operator.objects.order_by("pk")[0]
    operator = first.code
    own = list(
        Station.objects.filter(site__operator=first).values_list("identity", flat=True)[:1000]
    )

    def near(query: str = "") -> Paths:
        def path(chance: random.Random) -> str:
            latitude, longitude = place(chance)
            return f"/api/chargepoints/nearby/{latitude:.5f}/{longitude:.5f}{query}"

        return path

    def box(degrees: float, zoom: int) -> Paths:
        def path(chance: random.Random) -> str:
            latitude, longitude = place(chance)
            return (
                f"/api/chargepoints/clusters?south={latitude - degrees:.4f}"
                f"&north={latitude + degrees:.4f}&west={longitude - degrees:.4f}"
                f"&east={longitude + degrees:.4f}&zoom={zoom}"
            )

        return path

    return [
        Route("nearby, 10 km", near(), limit_ms=50),
        Route("nearby, 10 km, free CCS2", near("?available=true&connector_type=CCS2"), limit_ms=50),
        Route("nearby, 50 km", near("?radius_km=50"), limit_ms=50),
        Route("nearby, 200 km", near("?radius_km=200"), limit_ms=50),
        Route(
            "nearby, Bangkok, 200 km",
            lambda chance: (
                f"/api/chargepoints/nearby/{13.7 + chance.random() / 10:.5f}/100.5?radius_km=200"
            ),
            limit_ms=50,
        ),
        Route("clusters, country", lambda _c: COUNTRY),
        Route("clusters, city", box(0.3, 11)),
        Route("clusters, quarter", box(0.02, 15), limit_ms=50),
        Route("detail", lambda c: f"/api/chargepoints/{c.choice(chosen)[0]}"),
        Route("connectors", lambda c: f"/api/chargepoints/check-connectors/{c.choice(chosen)[0]}"),
        Route("list, first page", lambda _c: "/api/chargepoints/"),
        Route("list, page 500", lambda c: f"/api/chargepoints/?page={490 + c.randrange(20)}"),
        Route("list, by site", lambda _c: "/api/chargepoints/?ordering=site"),
        Route(
            "list, changed in 1 min", lambda _c: f"/api/chargepoints/?updated_since={just_now()}"
        ),
        Route("list, one operator", lambda _c: f"/api/chargepoints/?operator={operator}"),
        Route(
            "list, free CCS2", lambda _c: "/api/chargepoints/?available=true&connector_type=CCS2"
        ),
        Route("search, a word", lambda c: f"/api/chargepoints/?q=hotel {c.randrange(10000)}"),
        Route("search, a city", lambda c: f"/api/chargepoints/?q={c.choice(CITIES)[0]}"),
        Route("legacy list, 1,000 rows", lambda _c: "/api/chargepoints/list"),
        Route("detail", lambda c: f"/api/chargepoints/{c.choice(own)}", "staff"),
        Route("sessions", lambda _c: "/transactions", "superadmin"),
        Route("sessions", lambda _c: "/transactions", "staff"),
        Route(
            "a station's sessions",
            lambda c: f"/transactions?identity={c.choice(chosen)[1]}",
            "superadmin",
        ),
        Route(
            "a session", lambda c: f"/api/transactions/{c.choice(sessions)}/summary", "superadmin"
        ),
    ]


def just_now() -> str:
    from csms.common import clock

    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


COUNTRY = "/api/chargepoints/clusters?south=5&north=21&west=97&east=106&zoom=6"


def clients() -> dict[str, Any]:
    from datetime import timedelta

    from django.test import Client

    from accounts.api.authentication import issue_access_token
    from accounts.models import Operator, User
    from accounts.services.sign_ins import sign_in
    from csms.common import clock

    found: dict[str, Any] = {"anonymous": Client()}
    for name, role in (("staff", "STAFF"), ("superadmin", "SUPERADMIN")):
        user = User.objects.create_user(f"{name}@example.com", "correct-horse-battery", role=role)
        user.operators.set(Operator.objects.order_by("pk")[:1])
        now = clock.now()
        opened = sign_in(user, address="127.0.0.1", expires_at=now + timedelta(hours=2), at=now)
        with patch("rest_framework_simplejwt.tokens.AccessToken.lifetime", timedelta(hours=2)):
            token = issue_access_token(opened)
        found[name] = Client(HTTP_AUTHORIZATION=f"Bearer {token}")
    return found


def run(routes: list[Route], requests: int) -> None:
    """All routes by turns, so that none has the caches to itself; the first tenth warms up."""
    logging.getLogger("django.request").setLevel(logging.ERROR)
    callers = clients()
    chance = random.Random(20261130)
    warm_up = max(requests // 10, 3)
    for number in range(requests + warm_up):
        for route in routes:
            path = route.paths(chance)
            started = time.perf_counter()
            response = callers[route.as_who].get(path)
            took = (time.perf_counter() - started) * 1000
            if response.status_code != 200:
                raise RuntimeError(f"{path}: {response.status_code} {response.content[:500]!r}")
            if number >= warm_up:
                route.milliseconds.append(took)
                route.kilobytes += len(response.content) / 1024 / requests


def table(routes: list[Route]) -> str:
    lines = [
        f"{'route':28} {'as':10} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'max ms':>8} {'kB':>6}"
    ]
    for route in routes:
        p50, p95, p99 = (percentile(sorted(route.milliseconds), q) for q in (50, 95, 99))
        lines.append(
            f"{route.name:28} {route.as_who:10} {p50:8.1f} {p95:8.1f} {p99:8.1f} "
            f"{max(route.milliseconds):8.1f} {route.kilobytes:6.0f}"
        )
    return "\n".join(lines)


def profile(routes: list[Route], requests: int) -> None:
    import cProfile
    import pstats

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    callers = clients()
    chance = random.Random(1)
    for route in routes:
        callers[route.as_who].get(route.paths(chance))
        with CaptureQueriesContext(connection) as queries:
            callers[route.as_who].get(route.paths(chance))
        print(f"\n{route.name} as {route.as_who}")
        for query in queries.captured_queries:
            print(f"  {float(query['time']) * 1000:6.1f} ms  {query['sql'][:3000]}")
        profiler = cProfile.Profile()
        profiler.enable()
        for _number in range(requests):
            callers[route.as_who].get(route.paths(chance))
        profiler.disable()
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


def explain_nearby() -> None:
    from django.contrib.auth.models import AnonymousUser
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from chargepoints.selectors.nearby import nearby

    for radius in (10, 200):
        with CaptureQueriesContext(connection) as queries:
            nearby(AnonymousUser(), 13.75, 100.53, radius)
        print(f"\nNearby, {radius} km around Bangkok:")
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {queries[0]['sql']}")
            print("\n".join(f"  {row[0]}" for row in cursor.fetchall()))


@contextmanager
def without_limits() -> Iterator[None]:
    name = "csms.common.api.throttling.WindowThrottle.allow_request"
    with patch(name, lambda *_arguments: True):
        yield


if __name__ == "__main__":
    sys.exit(main())
