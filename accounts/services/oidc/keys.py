"""A provider's public keys (JWKS, RFC 7517), fetched rarely and kept while the provider is away."""

import threading
from http.client import HTTPException
from time import monotonic
from typing import Any, Final
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt
import orjson
import structlog
from django.utils.translation import gettext as _

from csms.common.errors import Unavailable

logger = structlog.get_logger(__name__)
FRESH_SECONDS: Final = 3600.0
# Keys that a provider may have withdrawn are not trusted for longer, even if it cannot be asked.
USABLE_SECONDS: Final = 24 * 3600.0
# A token with a key that nobody knows makes us ask again, but not as often as anybody likes.
ASK_AGAIN_SECONDS: Final = 30.0
# How long a sign-in whose key is known, but no longer fresh, waits to hear that it was withdrawn.
PATIENCE_SECONDS: Final = 1.0
LARGEST_ANSWER: Final = 100_000


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """The address is the provider's own: wherever else it leads, we do not go."""
        return


class KeyStore:
    """The keys behind one address. Thread-safe; at most one request is on its way at a time.

    The request runs in a thread of its own and holds no lock: who can do with the keys that there
    are goes on while the provider is slow or away.
    """

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        self._timeout = timeout_seconds
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        # Set when the request that is on its way has ended.
        self._answered: threading.Event | None = None

    def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key; None if the provider has none of that name. Raises `Unavailable`."""
        with self._lock:
            now = monotonic()
            is_known = key_id in self._keys
            if is_known and self._is_younger(FRESH_SECONDS, now):
                return self._keys[key_id]
            is_ours = self._answered is None and self._may_ask(now)
            if is_ours:
                self._ask(now)
            answered = self._answered
            can_do_without = is_known and self._is_younger(USABLE_SECONDS, now)
        if answered is not None and not can_do_without:
            # To connect and to read may take the time-out each.
            answered.wait(2 * self._timeout)
        elif answered is not None and is_ours:
            answered.wait(PATIENCE_SECONDS)
        with self._lock:
            if not self._is_younger(USABLE_SECONDS, now):
                raise Unavailable(
                    _("The provider does not answer. Try again, or sign in another way."),
                    code="provider_unavailable",
                    retry_after_seconds=int(ASK_AGAIN_SECONDS),
                )
            return self._keys.get(key_id)

    def _is_younger(self, seconds: float, now: float) -> bool:
        return self._fetched_at is not None and now - self._fetched_at < seconds

    def _may_ask(self, now: float) -> bool:
        return self._asked_at is None or now - self._asked_at >= ASK_AGAIN_SECONDS

    def _ask(self, now: float) -> None:
        """Send the request; the lock is held, so that it cannot end before it is noted."""
        self._asked_at = now
        answered = threading.Event()
        work = threading.Thread(target=self._fetch, args=(now, answered), daemon=True)
        work.start()
        self._answered = answered

    def _fetch(self, now: float, answered: threading.Event) -> None:
        found = None
        try:
            found = self._published()
        except (OSError, HTTPException, ValueError, TypeError, AttributeError, jwt.PyJWTError):
            logger.exception("provider_keys_not_fetched", url=self._url)
        finally:
            with self._lock:
                if found is not None:
                    self._keys, self._fetched_at = found, now
                self._answered = None
            answered.set()

    def _published(self) -> dict[str, jwt.PyJWK]:
        request = Request(self._url, headers={"Accept": "application/json"})  # noqa: S310
        with build_opener(_NoRedirects).open(request, timeout=self._timeout) as answer:
            body = answer.read(LARGEST_ANSWER + 1)
        if len(body) > LARGEST_ANSWER:
            raise ValueError("the answer is too long")
        found = jwt.PyJWKSet.from_dict(orjson.loads(body)).keys
        return {
            key.key_id: key for key in found if key.key_id and key.public_key_use in (None, "sig")
        }
