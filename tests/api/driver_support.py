"""What the tests of drivers say over and over."""

from typing import Any

from django.core.cache import cache

from tests.api.client import ApiClient
from tests.support.factories import PASSWORD

AUTH = "/api/auth"
EMAIL, PHONE = "somchai@example.com", "+66812345678"
OTHER_PASSWORD = "staple-of-the-day"


def register(body: dict[str, Any], network: str = "127.0.0.1", **options: Any) -> Any:
    full = {"password": PASSWORD, **body}
    return ApiClient().json(
        "post", f"{AUTH}/register", full, REMOTE_ADDR=network, **{"expect": 202, **options}
    )


def verify(asked: dict[str, Any], code: str, expect: int = 200) -> Any:
    body = {"verification_id": asked["verification_id"], "code": code}
    return ApiClient().json("post", f"{AUTH}/verify", body, expect=expect)


def login(expect: int = 200, **body: Any) -> Any:
    cache.clear()
    return ApiClient().json("post", f"{AUTH}/login", {"password": PASSWORD, **body}, expect=expect)


def signed_in(**body: Any) -> tuple[ApiClient, dict[str, Any]]:
    answer = login(**body)
    return bearer(answer["access"]), answer


def bearer(token: str) -> ApiClient:
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {token}")


def refresh(token: str, expect: int = 200) -> Any:
    return ApiClient().json("post", f"{AUTH}/refresh", {"refresh": token}, expect=expect)
