"""T55, T57, T64: odd searches, headers of every page, and secrets where nobody should see them."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_otp import DEVICE_ID_SESSION_KEY, devices_for_user
from pytest_django import Settings

from accounts.models import User
from tests.api.client import ApiClient
from tests.api.operations import OPERATIONS, Operation, Rows, body_for, entitled, path_to
from tests.support.factories import make_superadmin

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 1.0


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "csms.common.api.throttling.WindowThrottle.allow_request", lambda *_arguments: True
    )


# --- T55 ------------------------------------------------------------------------------------------
INJECTIONS = (
    "' OR 1=1 --",
    "'; DROP TABLE chargepoints_station; --",
    '" OR ""="',
    "1) UNION SELECT password_hash FROM chargepoints_station --",
    "%' ESCAPE '!",
    "\\",
    "%_" * 40,
    "$(sleep 5)",
    "1; SELECT pg_sleep(5)",
    "{{7*7}}",
    "(a+)+$",
    "a" * 90 + "!",
    "\x00",
    "ก" * 90,
    " ".join("ab"[n % 2] for n in range(50)),
)
# Names that the database layer would understand if they reached it.
LOOKUPS = (
    "site__operator__staff__password__startswith",
    "password_hash__regex",
    "pk__in",
    "id",
    "evses__connectors__status",
    "_connector",
    "__class__",
)
# What looks for a text: no row has these.
SEARCHED = {"site", "operator", "identity", "transaction_id", "action", "message_id"}
LISTS = [o for o in OPERATIONS if o.method == "get" and o.query_names]


def in_time(call: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    response = call()
    assert time.perf_counter() - started < LONGEST_SECONDS
    return response


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.name)
def test_T55_no_filter_lets_sql_through(operation: Operation) -> None:
    rows = Rows("OWN")
    client, path = entitled(operation, rows), path_to(operation, rows)
    for name in set(operation.query_names) - {"wait"}:
        for text in INJECTIONS:
            response = in_time(lambda n=name, t=text: client.get(path, {n: t}))  # type: ignore[misc]
            # 409: payments are not open yet.
            assert response.status_code in (200, 400, 404, 409), (name, text)
            client.check("get", path, response)
            if response.status_code == 200 and name in SEARCHED:
                found = response.json()
                matching = found if isinstance(found, list) else found["results"]
                assert not matching, (name, text)


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.name)
def test_T55_no_name_of_the_database_is_a_filter(operation: Operation) -> None:
    rows = Rows("OWN")
    client, path = entitled(operation, rows), path_to(operation, rows)
    plain = client.get(path)
    for name in LOOKUPS:
        response = in_time(lambda n=name: client.get(path, {n: "(a+)+$"}))  # type: ignore[misc]
        assert counted(response) == counted(plain), name
    if "ordering" in operation.query_names:
        for name in (*LOOKUPS, "password_hash", "site__operator__name", "?", "-", "--identity"):
            assert client.get(path, {"ordering": name}).status_code == 400, name


def counted(response: Any) -> tuple[int, Any]:
    body = response.json()
    return response.status_code, len(body.get("results", body)) if isinstance(body, dict) else len(
        body
    )


@pytest.mark.parametrize(
    "operation",
    [o for o in OPERATIONS if isinstance(o.example, dict)],
    ids=lambda operation: operation.name,
)
def test_T55_keys_and_values_of_bodies(operation: Operation) -> None:
    rows = Rows("OWN")
    client, path = entitled(operation, rows), path_to(operation, rows)
    body = body_for(operation, rows)
    for name in (*LOOKUPS, *INJECTIONS):
        response = in_time(lambda n=name: client.call(operation.method, path, {**body, n: n}))  # type: ignore[misc]
        assert response.status_code < 500
    for field in body:
        for text in INJECTIONS:
            sent = {**body, field: text}
            assert in_time(lambda s=sent: client.call(operation.method, path, s))  # type: ignore[misc]


# --- T57 ------------------------------------------------------------------------------------------
def fixed_paths(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    """Every address that has no part to fill in."""
    for pattern in patterns:
        route = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from fixed_paths(pattern.url_patterns, prefix + route.removeprefix("^"))
        elif isinstance(pattern, URLPattern):
            path = prefix + route.removeprefix("^").removesuffix("$").removesuffix("\\Z")
            if not re.search(r"[<(\[*]", path):
                yield path


PATHS = sorted(
    {*fixed_paths(get_resolver().url_patterns), "/nowhere", "/api/nowhere", "/admin/no/"}
)


@pytest.fixture
def as_in_production(settings: Settings) -> None:
    """What `csms.settings.production` sets; `tests.settings` shows that it does."""
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SESSION_COOKIE_SECURE = True
    settings.CSRF_COOKIE_SECURE = True


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.backends.EmailBackend")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = next(devices_for_user(user)).persistent_id
    session.save()
    return client


@pytest.mark.parametrize("who", ["stranger", "superadmin"])
@pytest.mark.usefixtures("as_in_production")
def test_T57_every_page_is_locked_in(who: str) -> None:
    assert {"/admin/", "/openapi", "/redoc", "/api/chargepoints/", "/health"} <= set(PATHS)
    client = Client() if who == "stranger" else signed_in(make_superadmin())
    client.raise_request_exception = False
    seen = 0
    for path in PATHS:
        response = client.get(path, secure=True)
        assert response.status_code < 500 or path.startswith(("/health", "/api/health")), path
        for name, part in (
            ("Content-Security-Policy", "frame-ancestors 'none'"),
            ("Content-Security-Policy", "default-src 'self'"),
            ("Content-Security-Policy", "object-src 'none'"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "same-origin"),
            ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ):
            assert part in response.headers.get(name, ""), (path, name)
        policy = response["Content-Security-Policy"]
        assert "http:" not in policy, path
        assert "https:" not in policy, path
        for cookie in response.cookies.values():
            assert cookie["secure"], (path, cookie.key)
            assert cookie["samesite"] in ("Lax", "Strict"), (path, cookie.key)
            assert cookie["httponly"] or cookie.key == "csrftoken", path
        if "text/html" in response.headers.get("Content-Type", ""):
            seen += 1
            loaded = re.findall(r"""(?:src|href)=["'](https?:)?//""", response.content.decode())
            assert not loaded, path
    assert seen >= (3 if who == "stranger" else 20)


@pytest.mark.usefixtures("as_in_production")
def test_T57_plain_http_is_sent_to_https(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/admin/", "/api/chargepoints/", "/openapi"):
        response = Client().get(path)
        assert response.status_code == 301
        assert response["Location"].startswith("https://")


# --- T64 ------------------------------------------------------------------------------------------
SECRETS = {
    "a private key": r"-----BEGIN (RSA |EC |DSA |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}",
    "a key of Amazon": r"AKIA[0-9A-Z]{16}",
    "a key of Omise": r"\b[sp]key_(live|test)_[0-9a-z]{15,}",
    "a token of GitHub": r"gh[pousr]_[A-Za-z0-9]{36}",
    "a token of Slack": r"xox[abpr]-[A-Za-z0-9-]{10,}",
    "an API key of ours": r"csms_[0-9a-zA-Z]{8,}_[0-9a-zA-Z_-]{32,}",
    "a token of a person": r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
}


def tracked_files() -> list[Path]:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_T64_no_secret_is_kept_in_the_repository() -> None:
    looked_at = 0
    for path in tracked_files():
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "ignore")
        looked_at += 1
        for what, pattern in SECRETS.items():
            assert not re.search(pattern, text), f"{path.relative_to(ROOT)} holds {what}"
        assert path.name != ".env"
    assert looked_at > 300


def test_T64_what_would_be_found_is_found() -> None:
    key = "AKIA" + "Q" * 16
    pem = "-----BEGIN " + "PRIVATE KEY-----\n" + "A" * 64
    assert re.search(SECRETS["a key of Amazon"], f"key = {key}")
    assert re.search(SECRETS["a private key"], pem)


def test_T64_neither_schema_nor_errors_nor_health_tell_anything() -> None:
    client = Client()
    client.raise_request_exception = False
    secrets = [configured.SECRET_KEY, *configured.FIELD_ENCRYPTION_KEYS]
    database = configured.DATABASES["default"]
    secrets += [s for s in (database.get("PASSWORD"), configured.REDIS_URL) if s]
    for path in (
        "/openapi.json",
        "/openapi",
        "/health",
        "/readyz",
        "/metrics",
        "/nowhere",
        "/api/nowhere",
        "/api/chargepoints/%00",
        "/admin/login/",
        "/.env",
        "/.git/config",
        "/static/../csms/settings/base.py",
        "/static/%2e%2e/.env",
        "/debug/",
        "/__debug__/",
        "/schema",
    ):
        response = client.get(path)
        body = response.content.decode() if not response.streaming else ""
        assert not any(secret in body for secret in secrets), path
        for word in ("Traceback", "settings.py", "SECRET_KEY", "site-packages"):
            assert word not in body, (path, word)


def test_T64_debug_is_off_where_nobody_asks_for_it() -> None:
    assert configured.DEBUG is False
    base = (ROOT / "csms/settings/base.py").read_text()
    production = (ROOT / "csms/settings/production.py").read_text()
    assert re.search(r"^DEBUG = False$", base, re.M)
    assert re.search(r"^DEBUG = False$", production, re.M)
    assert ApiClient().get("/__debug__/").status_code == 404
