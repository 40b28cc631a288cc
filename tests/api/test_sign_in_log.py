"""What is kept of drivers who sign in, and of those who try to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.cache import cache

from accounts.models import LoginAttempt, User
from accounts.services import closing, data_exports, export_files
from accounts.services.oidc import provider
from csms.common import clock
from csms.common.api.throttling import WindowThrottle
from tests.api.client import ApiClient
from tests.api.driver_support import AUTH, EMAIL, PHONE, login, register
from tests.support.account_messages import empty_outboxes
from tests.support.factories import PASSWORD, make_driver, make_staff
from tests.support.oidc_provider import NONCE, Provider

pytestmark = pytest.mark.django_db
WRONG = "wrong-password-1"
LINE = f"{AUTH}/oidc/line"


@pytest.fixture
def line(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    running = Provider()
    settings.OIDC_PROVIDERS = {"line": running.facts()}
    monkeypatch.setattr(provider, "_stores", {})
    with empty_outboxes():
        yield running
    running.stop()


def kept() -> list[tuple[str, str, str, User | None, int]]:
    return [
        (row.channel, row.outcome, row.username, row.user, row.times)
        for row in LoginAttempt.objects.order_by("id")
    ]


def test_by_password() -> None:
    user = make_driver(EMAIL)
    login(email=EMAIL, password=WRONG, expect=401)
    login(email="nobody@example.com", expect=401)
    cache.clear()
    body = {"email": EMAIL, "password": PASSWORD}
    headers = {"REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": "App/2\x00"}
    ApiClient().call("post", f"{AUTH}/login", body, expect=200, **headers)
    assert kept() == [
        ("APP", "WRONG_CREDENTIALS", EMAIL, user, 1),
        ("APP", "WRONG_CREDENTIALS", "nobody@example.com", None, 1),
        ("APP", "SUCCEEDED", EMAIL, user, 1),
    ]
    last = LoginAttempt.objects.latest("id")
    assert (last.remote_address, last.user_agent) == ("203.0.113.7", "App/2")


def test_a_number_is_kept_as_the_person_it_belongs_to() -> None:
    user = make_driver(None, phone=PHONE)
    login(phone=PHONE, password=WRONG, expect=401)
    login(phone=PHONE)
    login(phone="0899999999", expect=401)
    assert kept() == [
        ("APP", "WRONG_CREDENTIALS", "", user, 1),
        ("APP", "SUCCEEDED", "", user, 1),
        ("APP", "WRONG_CREDENTIALS", "", None, 1),
    ]


def test_staff_and_unconfirmed_people_at_the_drivers_door() -> None:
    staff = make_staff("staff@example.com")
    login(email=staff.email, expect=401)
    with empty_outboxes():
        register({"email": EMAIL})
    for _number in range(3):
        login(email=EMAIL, expect=403)
    assert kept() == [
        ("APP", "NOT_ALLOWED", "staff@example.com", staff, 1),
        ("APP", "NOT_VERIFIED", EMAIL, None, 3),
    ]


def test_a_flood_is_few_rows() -> None:
    user = make_driver(EMAIL)
    for number in range(9):
        login(email=EMAIL, password=WRONG, expect=401 if number < 4 else 429)
    assert kept()[4:] == [("APP", "LOCKED_OUT", EMAIL, user, 5)]


def test_locked_out_numbers_of_one_network_are_not_mixed_up() -> None:
    people = [make_driver(None, phone=PHONE), make_driver(None, phone="+66898765432")]
    for person in people:
        for number in range(6):
            login(phone=person.phone, password=WRONG, expect=401 if number < 4 else 429)
    locked_out = LoginAttempt.objects.filter(outcome="LOCKED_OUT").order_by("id")
    assert [(row.user, row.times) for row in locked_out] == [(one, 2) for one in people]


@pytest.mark.parametrize("path", [f"{AUTH}/login", f"{AUTH}/oidc/line"])
def test_what_the_throttle_refuses_writes_nothing(
    path: str, line: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WindowThrottle, "allow_request", lambda *_arguments: False)
    body = {"email": EMAIL, "password": WRONG, "id_token": "a.b.c", "nonce": NONCE}
    ApiClient().call("post", path, body, expect=429)
    assert not LoginAttempt.objects.exists()


def test_by_an_account_elsewhere(line: Provider) -> None:
    def sign_in(token: str, expect: int) -> None:
        cache.clear()
        body = {"id_token": token, "nonce": NONCE}
        ApiClient().call("post", LINE, body, expect=expect)

    make_driver(EMAIL, email_verified_at=None)
    sign_in(line.token(), 200)
    for _number in range(3):
        sign_in("a.b.c", 401)
    sign_in(line.token(sub="subject-2", email=EMAIL, email_verified=True), 409)
    user = User.objects.get(is_external=True)
    assert kept() == [
        ("OIDC", "SUCCEEDED", "", user, 1),
        ("OIDC", "IDENTITY_REFUSED", "", None, 3),
        ("OIDC", "IDENTITY_REFUSED", EMAIL, None, 1),
    ]


def test_a_copy_of_ones_data_has_ones_own_and_closing_takes_them(
    settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    user = make_driver(EMAIL)
    make_driver("suda@example.com")
    login(email=EMAIL, password=WRONG, expect=401)
    login(email=EMAIL)
    login(email="suda@example.com")
    # Before there was an account with this address.
    LoginAttempt.objects.create(
        at=clock.now(), channel="APP", outcome="WRONG_CREDENTIALS", username=EMAIL
    )
    export = data_exports.request(user)
    data_exports.build(export.pk)
    export.refresh_from_db()
    with ZipFile(export_files.path_of(export.file_name)) as archive:
        rows = json.loads(archive.read("json/login_attempts.json"))
    outcomes = [row["outcome"] for row in rows]
    assert outcomes == ["WRONG_CREDENTIALS", "SUCCEEDED", "WRONG_CREDENTIALS"]
    closing.close_account(user, at=clock.now())
    assert LoginAttempt.objects.get().username == "suda@example.com"
