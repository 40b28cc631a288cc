"""Limits on requests, counted in the cache; in this process where the cache is away.

A limit holds per fixed window (`100/15m`: the count starts again every 15 minutes of the clock).
Redis counts and sets the expiry in one step, so that no two processes count the same hit and no
counter stays for ever.

What is left is said in the two headers of draft-ietf-httpapi-ratelimit-headers-10:
`RateLimit-Policy: "anonymous";q=100;w=900` (so many in so many seconds) and
`RateLimit: "anonymous";r=99;t=720` (so many left, seconds until the count starts again).
"""

import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from csms.common.api.addresses import address_group, client_address

if TYPE_CHECKING:
    # The framework imports this module while it makes APIView.
    from rest_framework.views import APIView

logger = structlog.get_logger(__name__)

RATE = re.compile(r"^(?P<limit>[1-9]\d*)/(?P<count>\d*)(?P<unit>[smhd])[a-z]*$")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RETRY_CACHE_AFTER_SECONDS = 5.0
REDIS_TIMEOUT_SECONDS = 0.5
_COUNT = """
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return hits
"""


@dataclass(frozen=True, slots=True)
class Rate:
    limit: int
    window_seconds: int


@lru_cache
def parse_rate(text: str) -> Rate:
    """`100/15m`, `5/m`, `50/minute`; raises `ImproperlyConfigured` on anything else."""
    match = RATE.match(text.strip())
    if match is None or match["count"] == "0":
        raise ImproperlyConfigured(f"{text!r} is no rate; write it like 100/15m or 5/m")
    count = int(match["count"] or 1)
    return Rate(int(match["limit"]), count * UNIT_SECONDS[match["unit"]])


class HitCounter:
    """Counts hits per key and window; survives a cache that is away by counting locally.

    After a failure the shared cache is left alone for a few seconds, so that a cache that hangs
    does not cost every request its time-out.
    """

    def __init__(self) -> None:
        self._local = LocMemCache("throttle-fallback", {})
        self._away_until = 0.0

    def hit(self, key: str, window_seconds: int) -> int:
        if time.monotonic() < self._away_until:
            return self._count(self._local, key, window_seconds)
        try:
            if settings.REDIS_URL:
                return count_in_redis(key, window_seconds)
            return self._count(cache, key, window_seconds)
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + RETRY_CACHE_AFTER_SECONDS
            logger.warning("throttle_cache_away", error=str(error))
            return self._count(self._local, key, window_seconds)

    @staticmethod
    def _count(store: BaseCache, key: str, window_seconds: int) -> int:
        # The key names its window, so a counter that expires between the two calls is at worst
        # one of a window that is over.
        if store.add(key, 1, timeout=window_seconds * 2):
            return 1
        try:
            return store.incr(key)
        except ValueError:
            store.set(key, 1, timeout=window_seconds * 2)
            return 1


@lru_cache(maxsize=2)
def _redis(url: str) -> Redis:
    return Redis.from_url(
        url, socket_timeout=REDIS_TIMEOUT_SECONDS, socket_connect_timeout=REDIS_TIMEOUT_SECONDS
    )


def count_in_redis(key: str, window_seconds: int) -> int:
    """The hits with this one, counted in one step; raises `RedisError`."""
    # Longer than its window: a clock that is a little behind still finds the counter.
    hits: Any = _redis(settings.REDIS_URL).eval(_COUNT, 1, key, str(window_seconds * 2))
    return int(hits)


counter = HitCounter()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of the limit `name`, for the `RateLimit` headers."""

    name: str
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit": f'"{self.name}";r={self.remaining};t={self.reset_seconds}',
            "RateLimit-Policy": f'"{self.name}";q={self.limit};w={self.window_seconds}',
        }


class WindowThrottle(BaseThrottle):
    """A limit named `scope` in `DEFAULT_THROTTLE_RATES`, counted by `identify`."""

    scope = ""
    _wait: float | None = None

    def identify(self, request: Request) -> tuple[str, str] | None:
        """The limit's name and who is counted; None if the limit does not concern the caller."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: "APIView") -> bool:
        identified = self.identify(request)
        if identified is None:
            return True
        scope, who = identified
        rate = parse_rate(str(api_settings.DEFAULT_THROTTLE_RATES[scope]))
        now = time.time()
        window = int(now // rate.window_seconds)
        hits = counter.hit(f"throttle:{scope}:{who}:{window}", rate.window_seconds)
        self._wait = (window + 1) * rate.window_seconds - now
        left = max(rate.limit - hits, 0)
        remember(
            request,
            Allowance(scope, rate.limit, rate.window_seconds, left, int(self._wait) + 1),
        )
        return hits <= rate.limit

    def wait(self) -> float | None:
        return self._wait


def remember(request: Request, allowance: Allowance) -> None:
    """Keep the tightest of the limits that a request met."""
    known = allowance_of(request)
    if known is None or allowance.remaining < known.remaining:
        request._request.csms_allowance = allowance  # type: ignore[attr-defined]


def allowance_of(request: Any) -> Allowance | None:
    return getattr(getattr(request, "_request", request), "csms_allowance", None)


class AnonymousThrottle(WindowThrottle):
    scope = "anonymous"

    def identify(self, request: Request) -> tuple[str, str] | None:
        if request.user is not None and request.user.is_authenticated:
            return None
        return self.scope, address_group(client_address(request._request))


class AddressThrottle(WindowThrottle):
    """Counts a request whose credentials were refused under the anonymous limit."""

    scope = "anonymous"

    def identify(self, request: Request) -> tuple[str, str] | None:
        return self.scope, address_group(client_address(request._request))


class CallerThrottle(WindowThrottle):
    """Users under `caller`, API keys under `api_key`: a gateway speaks for many chargers."""

    scope = "caller"

    def identify(self, request: Request) -> tuple[str, str] | None:
        caller = request.user
        if caller is None or not caller.is_authenticated:
            return None
        scope = "api_key" if hasattr(caller, "scopes") else self.scope
        return scope, str(caller.pk)


class WebhookThrottle(AddressThrottle):
    """What payment providers report: more at once than that is no provider."""

    scope = "webhook"
