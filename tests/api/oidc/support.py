"""Tokens of a provider, good and forged."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from django.core.cache import cache

from tests.api.client import ApiClient
from tests.support.oidc_provider import NONCE

PATH, EMAIL = "/api/auth/oidc/line", "somchai@example.com"
VERIFIED: dict[str, Any] = {"email": EMAIL, "email_verified": True, "name": "Somchai P."}


class Elapsed:
    """Time as the key store sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        # A whole number: (started + 3600) - started would else be a little less than 3600 at times.
        monkeypatch.setattr("accounts.services.oidc.keys.monotonic", lambda: 1_000.0 + self.seconds)


def sign_in(token: str, expect: int = 200, **changes: Any) -> Any:
    cache.clear()
    body = {"id_token": token, "nonce": NONCE, **changes}
    return ApiClient().json("post", PATH, body, expect=expect)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_secret(claims: dict[str, Any], secret: bytes) -> str:
    """HS256 with what everybody knows in the place of the secret."""
    statement = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims)}"
    signature = hmac.new(secret, statement.encode(), hashlib.sha256).digest()
    return f"{statement}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
