"""T45: limits count whom they should, behind proxies and without Redis, and are said in headers."""

import re
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import RequestFactory
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from accounts.api.login_throttle import LoginAddressThrottle
from csms.common.api import throttling
from csms.common.api.addresses import client_address
from csms.common.api.throttling import WebhookThrottle, parse_rate
from csms.settings.env import parse_networks
from tests.api.client import ApiClient
from tests.api.test_errors import problem
from tests.support.factories import make_api_key

pytestmark = pytest.mark.django_db


class TestLimits:
    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rates = {
            "anonymous": "3/15m",
            "caller": "5/15m",
            "api_key": "4/h",
            # A day, so that no test is there when the next window begins.
            "login": "2/d",
            "login_address": "6/d",
            "webhook": "2/m",
        }
        monkeypatch.setattr(
            throttling, "api_settings", type("S", (), {"DEFAULT_THROTTLE_RATES": rates})
        )

    def test_counts_down_and_refuses(self, anonymous: ApiClient) -> None:
        answers = [anonymous.get("/api/chargepoints/") for _ in range(3)]
        assert {answer["RateLimit-Policy"] for answer in answers} == {'"anonymous";q=3;w=900'}
        left = [re.fullmatch(r'"anonymous";r=(\d);t=(\d+)', a["RateLimit"]) for a in answers]
        assert [found and found[1] for found in left] == ["2", "1", "0"]
        assert all(found and 1 <= int(found[2]) <= 900 for found in left)
        response = anonymous.get("/api/chargepoints/")
        assert problem(response, 429)["code"] == "throttled"
        assert 1 <= int(response["Retry-After"]) <= 900
        other = anonymous.get("/api/chargepoints/", REMOTE_ADDR="10.0.0.9")
        assert other.status_code == 200

    def test_a_claimed_address_changes_nothing(self, anonymous: ApiClient) -> None:
        codes = [
            anonymous.get("/api/chargepoints/", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code
            for n in range(4)
        ]
        assert codes == [200, 200, 200, 429]

    def test_one_customer_of_ipv6_is_one(self, anonymous: ApiClient) -> None:
        codes = [
            anonymous.get("/api/chargepoints/", REMOTE_ADDR=f"2001:db8::{n}").status_code
            for n in range(1, 5)
        ]
        assert codes == [200, 200, 200, 429]

    def test_refused_credentials_count(self, anonymous: ApiClient) -> None:
        codes = [
            anonymous.get("/connections", HTTP_X_API_KEY="csms_guess").status_code for _ in range(5)
        ]
        assert codes == [401, 401, 401, 429, 429]

    def test_keys_have_a_limit_of_their_own(self) -> None:
        _row, raw = make_api_key(("read",))
        codes = [ApiClient(HTTP_X_API_KEY=raw).get("/connections").status_code for _ in range(5)]
        assert codes == [200, 200, 200, 200, 429]

    def test_a_lost_cache_is_no_error_and_no_hole(
        self, anonymous: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttling, "counter", throttling.HitCounter())
        gone = RedisConnectionError("refused")
        with (
            patch.object(cache, "add", side_effect=gone),
            patch.object(throttling, "count_in_redis", side_effect=gone),
        ):
            codes = [
                anonymous.get("/api/chargepoints/", REMOTE_ADDR="10.9.9.9").status_code
                for _ in range(4)
            ]
        assert codes == [200, 200, 200, 429]

    def sign_in(self, path: str = "/api/auth/login", **body: str) -> int:
        body = {"password": "wrong-password-1", **body}
        return ApiClient().call("post", path, body, REMOTE_ADDR="10.2.2.2").status_code

    def test_people_behind_one_address_have_their_own_attempts(self) -> None:
        assert [self.sign_in(email="one@example.com") for _ in range(3)] == [401, 401, 429]
        assert self.sign_in(email="two@example.com") == 401
        assert self.sign_in("/api/admin/auth/login", email=" ONE@example.com", code="1") == 429

    def test_a_number_in_whatever_spelling_is_one_account(self) -> None:
        typed = ("0812345678", "+66 81 234 5678", "66812345678")
        assert [self.sign_in(phone=phone) for phone in typed] == [401, 401, 429]

    @pytest.mark.parametrize(
        "body", [{"email": "{n}@example.com"}, {"email": "nonsense"}, {"phone": "1"}, {}]
    )
    def test_one_address_has_many_attempts_but_not_any_number(self, body: dict[str, str]) -> None:
        codes = [
            self.sign_in(**{name: value.format(n=n) for name, value in body.items()})
            for n in range(8)
        ]
        assert 429 not in codes[:2]
        assert codes[6:] == [429, 429]

    def test_a_provider_s_token_counts_by_address_only(self) -> None:
        body = {"id_token": "x", "nonce": "n-0S6_WzA2Mj"}
        codes = [
            ApiClient().call("post", "/api/auth/oidc/line", body).status_code for _ in "1234567"
        ]
        assert codes == [404] * 6 + [429]

    def test_a_body_that_nobody_can_read_is_the_view_s_to_refuse(self) -> None:
        answer = ApiClient().generic(
            "POST", "/api/auth/login", b"{", content_type="application/json"
        )
        assert problem(answer, 400)["code"] != "throttled"

    def test_probes_are_never_limited(self, anonymous: ApiClient) -> None:
        assert {anonymous.get("/healthz").status_code for _ in range(10)} == {200}


@pytest.mark.parametrize("text", ["100", "0/m", "5/0m", "-1/m", "5/w", "a/m", ""])
def test_rates_that_are_none(text: str) -> None:
    with pytest.raises(Exception, match="no rate"):
        parse_rate(text)


def test_rates() -> None:
    assert (parse_rate("100/15m").limit, parse_rate("100/15m").window_seconds) == (100, 900)
    assert parse_rate("5/min").window_seconds == 60
    assert parse_rate("50/minute").window_seconds == 60


PEER = "172.30.57.2"


@pytest.mark.parametrize(
    ("proxies", "trusted", "peer", "forwarded", "expected"),
    [
        (0, "", PEER, "1.1.1.1", PEER),
        (1, "", PEER, "9.9.9.9", "9.9.9.9"),
        (1, "", PEER, "1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (2, "", PEER, "1.1.1.1, 9.9.9.9, 10.0.0.1", "9.9.9.9"),
        (2, "", PEER, "9.9.9.9", "9.9.9.9"),
        (1, PEER, PEER, "1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (1, PEER, "8.8.8.8", "1.1.1.1", "8.8.8.8"),
        (1, "", PEER, "not an address", PEER),
        (1, "", PEER, "", PEER),
        (1, "", PEER, "1.1.1.1, 2001:db8::1", "2001:db8::1"),
    ],
)
def test_T45_the_address_is_that_of_the_hop_before_our_proxies(
    proxies: int,
    trusted: str,
    peer: str,
    forwarded: str,
    expected: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_settings, "NUM_PROXIES", proxies, raising=False)
    settings.TRUSTED_PROXIES = parse_networks("TRUSTED_PROXIES", [trusted] if trusted else [])
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


@pytest.mark.parametrize("proxies", [0, 1])
def test_T45_a_spoofed_address_never_escapes_the_login_limit(
    anonymous: ApiClient, monkeypatch: pytest.MonkeyPatch, proxies: int
) -> None:
    """What the caller claims stands to the left of what our proxy saw."""
    monkeypatch.setattr(api_settings, "NUM_PROXIES", proxies, raising=False)
    monkeypatch.setitem(api_settings.DEFAULT_THROTTLE_RATES, "login_address", "5/d")
    body = {"email": "nobody@example.com", "password": "wrong", "code": "000000"}
    codes = [
        anonymous.call(
            "post",
            "/api/admin/auth/login",
            body | {"email": f"nobody{n}@example.com"},
            HTTP_X_FORWARDED_FOR=f"10.1.{n}.1, 203.0.113.7",
        ).status_code
        for n in range(8)
    ]
    assert codes[0] == 401
    assert codes[5:] == [429] * 3


def test_the_limits_of_the_specification() -> None:
    said = {name: parse_rate(text) for name, text in api_settings.DEFAULT_THROTTLE_RATES.items()}
    found = {name: (rate.limit, rate.window_seconds) for name, rate in said.items()}
    assert found["anonymous"] == (100, 900)
    assert found["caller"] == (1000, 900)
    assert found["webhook"] == (50, 60)
    assert found["login"] == (5, 60)
    assert found["login_address"] == (60, 60)


@pytest.mark.parametrize("throttle", [LoginAddressThrottle, WebhookThrottle])
def test_limits_of_certain_routes_count_by_address(
    throttle: type[throttling.WindowThrottle],
) -> None:
    limit = parse_rate(api_settings.DEFAULT_THROTTLE_RATES[throttle.scope]).limit
    requests = [
        Request(RequestFactory().post("/", REMOTE_ADDR="10.4.4.4")) for _ in range(limit + 1)
    ]
    allowed = [throttle().allow_request(request, APIView()) for request in requests]
    assert allowed == [True] * limit + [False]


@pytest.mark.skipif(not settings.REDIS_URL, reason="needs Redis")
def test_redis_counts_every_hit_once_and_forgets() -> None:
    key = "throttle:test:at-once"
    with ThreadPoolExecutor(8) as pool:
        hits = list(pool.map(lambda _n: throttling.count_in_redis(key, 60), range(200)))
    assert sorted(hits) == list(range(1, 201))
    left = throttling._redis(settings.REDIS_URL).ttl(key)
    assert isinstance(left, int)
    assert 60 < left <= 120
