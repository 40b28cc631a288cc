"""The port: whoever can say which of their people a token stands for."""

from datetime import datetime
from typing import Any, Protocol

from django.conf import settings

from accounts.services.oidc.assertions import Assertion
from accounts.services.oidc.keys import KeyStore
from accounts.services.oidc.verifying import TokenVerifier
from csms.common.errors import NotFound


class IdentityProvider(Protocol):
    name: str

    def verify(self, raw: str, *, nonce: str, at: datetime) -> Assertion:
        """Raises `AssertionRefused`, and `Unavailable` if the provider's keys cannot be had."""


_stores: dict[str, KeyStore] = {}


def provider_named(key: str) -> IdentityProvider:
    """The provider of that name, if it is switched on; `NotFound` else."""
    facts: dict[str, Any] | None = settings.OIDC_PROVIDERS.get(key)
    if facts is None:
        raise NotFound
    return TokenVerifier(key, facts, key_store(facts["jwks_url"]))


def key_store(url: str) -> KeyStore:
    """One per address and process: the keys are fetched once an hour, not once a sign-in."""
    return _stores.setdefault(url, KeyStore(url, timeout_seconds=settings.OIDC_TIMEOUT_SECONDS))
