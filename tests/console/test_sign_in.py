from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import BackupCodes, User
from accounts.services.staff import create_backup_codes
from tests.support.factories import PASSWORD, make_driver, make_staff, one_time_code

LOGIN = "/admin/login/"
# What is open to everybody: the ways in, the way out, the language and the script's translations.
OPEN_NAMES = {
    "login",
    "logout",
    "set_language",
    "jsi18n",
    "set_up",
    "passkey_sign_in_begin",
    "passkey_sign_in_complete",
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return make_staff("somebody@example.com", role="SUPERADMIN")


def post(client: Client, email: str, password: str, code: str) -> HttpResponse:
    data = {"username": email, "password": password, "otp_token": code, "next": "/admin/"}
    return client.post(LOGIN, data)  # type: ignore[return-value]


def is_inside(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_password_and_code_let_in(client: Client, staff: User) -> None:
    response = post(client, "Somebody@Example.com", PASSWORD, one_time_code(staff))
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert is_inside(client)


def test_a_backup_code_lets_in_once(client: Client, staff: User) -> None:
    code = create_backup_codes(staff)[0]
    assert post(client, staff.email or "", PASSWORD, f" {code.upper()} ").status_code == 302
    client.logout()
    response = post(client, staff.email or "", PASSWORD, code)
    assert response.status_code == 200
    assert not is_inside(client)


@pytest.mark.parametrize(
    ("password", "code", "message"),
    [
        ("wrong", "000000", "E-mail or password is wrong."),
        (PASSWORD, "", "Enter the 6 digits"),
        (PASSWORD, "12", "This code is not valid."),
    ],
)
def test_what_is_wrong_is_said(
    client: Client, staff: User, password: str, code: str, message: str
) -> None:
    response = post(client, staff.email or "", password, code)
    assert message in response.content.decode()
    assert not is_inside(client)


def test_a_wrong_totp_does_not_lock_the_backup_codes(client: Client, staff: User) -> None:
    codes = create_backup_codes(staff)
    post(client, staff.email or "", PASSWORD, "123456")
    assert BackupCodes.objects.get(user=staff).throttling_failure_count == 0
    assert post(client, staff.email or "", PASSWORD, codes[0]).status_code == 302


def test_somebody_elses_backup_code_is_worth_nothing(client: Client, staff: User) -> None:
    foreign = create_backup_codes(make_driver())
    create_backup_codes(staff)
    assert post(client, staff.email or "", PASSWORD, foreign[0]).status_code == 200
    assert not is_inside(client)


def test_without_a_device_it_says_how_to_get_one(client: Client) -> None:
    user = make_staff("bare@example.com", role="SUPERADMIN", with_otp=False)
    response = post(client, "bare@example.com", PASSWORD, "123456")
    assert "manage.py create_staff bare@example.com" in response.content.decode()
    client.force_login(user, backend="accounts.backends.EmailBackend")
    assert not is_inside(client)


def test_a_driver_does_not_get_in(client: Client) -> None:
    make_driver("driver@example.com")
    assert post(client, "driver@example.com", PASSWORD, "123456").status_code == 200
    assert not is_inside(client)


def test_a_lockout_is_kind(client: Client, staff: User) -> None:
    for _attempt in range(settings.AXES_FAILURE_LIMIT):
        response = post(client, staff.email or "", "wrong", "000000")
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "Too many failed attempts. Wait 15 minutes" in response.content.decode()
    response = post(client, staff.email or "", PASSWORD, one_time_code(staff))
    assert response.status_code == 429
    assert not is_inside(client)


def all_admin_patterns() -> list[str]:
    """Every path under /admin/, with an example value for each parameter."""
    root = next(p for p in get_resolver().url_patterns if str(p.pattern) == "admin/")
    examples = {
        "int": "1",
        "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
        "path": "1",
        "str": "1",
        "app_label": "accounts",
    }

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> list[str]:
        found = []
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                found += walk(pattern.url_patterns, prefix + str(pattern.pattern))
            elif pattern.name not in OPEN_NAMES:
                found.append(prefix + str(pattern.pattern))
        return found

    paths = []
    assert isinstance(root, URLResolver)
    for route in walk(root.url_patterns, "/admin/"):
        for kind, value in examples.items():
            route = _fill(route, kind, value)
        paths.append(route)
    return paths


def _fill(route: str, kind: str, value: str) -> str:
    import re

    route = re.sub(rf"<{kind}:\w+>", value, route)
    # The app's index is a regular expression.
    return re.sub(r"\^?\(\?P<(app_label|url)>[^)]*\)/?\$?", "accounts/", route)


@pytest.mark.parametrize("state", ["nobody", "password only"])
def test_no_address_under_admin_opens_without_the_second_factor(client: Client, state: str) -> None:
    if state == "password only":
        user = make_staff("half@example.com", role="SUPERADMIN")
        client.force_login(user, backend="accounts.backends.EmailBackend")
    paths = all_admin_patterns()
    assert len(paths) > 100
    for path in paths:
        for response in (client.get(path), client.post(path)):
            assert response.status_code == 302, path
            assert response["Location"].startswith("/admin/login/?next="), path


def test_every_model_of_ours_has_an_admin() -> None:
    from django.apps import apps

    ours = {"accounts", "chargepoints", "transactions", "ocpp_gateway", "common"}
    missing = [
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in ours and not admin.site.is_registered(model)
    ]
    # Holidays and windows are edited within their calendar and version; nobody sees the secrets
    # of a second factor again; digests of used tokens say nothing to anybody. A live ticket is
    # gone within a minute. Cars, favourites and tries of link codes are the driver's own affair.
    assert set(missing) == {
        "accounts.Authenticator",
        "accounts.BackupCode",
        "accounts.BackupCodes",
        "accounts.LinkAttempt",
        "accounts.Vehicle",
        "chargepoints.Favourite",
        "common.LiveTicket",
        "accounts.SpentAssertion",
        "accounts.RetiredSecret",
        "transactions.Holiday",
        "transactions.TariffWindow",
    }


def test_the_session_ends_after_half_an_hour_without_a_click(
    world: object, sign_in: Callable[[User], Client], staff: User
) -> None:
    client = sign_in(staff)
    assert client.get("/admin/").cookies["sessionid"]["max-age"] == 1800


def test_nothing_comes_from_elsewhere_and_eval_stays_in_the_console(client: Client) -> None:
    policy = client.get(LOGIN)["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "http" not in policy
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in client.get("/healthz")["Content-Security-Policy"]
