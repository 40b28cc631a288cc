"""T42 to T45: tokens that are forged, used twice or outlived, and passwords that are guessed."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from axes.models import AccessAttempt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from jwt.algorithms import RSAAlgorithm

from accounts.api.authentication import issue_access_token
from accounts.models import SignIn, User
from accounts.services import sign_ins
from csms.common import clock
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.console.conftest import sign_in  # noqa: F401  (a fixture)
from tests.support.account_messages import empty_outboxes, written_to
from tests.support.factories import PASSWORD, make_driver, make_superadmin
from tests.support.moving_clock import MovingClock
from tests.support.threads import in_threads

pytestmark = pytest.mark.django_db
EMAIL = "somchai@example.com"
LOGIN, REFRESH, PROFILE = "/api/auth/login", "/api/auth/refresh", "/api/profile"


@pytest.fixture
def driver() -> User:
    return make_driver(EMAIL, language="en")


def login(expect: int = 200, password: str = PASSWORD, **options: Any) -> Any:
    cache.clear()
    body = {"email": EMAIL, "password": password}
    return ApiClient().json("post", LOGIN, body, expect=expect, **options)


def refresh(token: str, expect: int = 200) -> Any:
    return ApiClient().json("post", REFRESH, {"refresh": token}, expect=expect)


def status_of(access: str) -> int:
    client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {access}")
    status: int = client.call("get", PROFILE).status_code
    return status


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def signed(claims: dict[str, Any], **changes: Any) -> str:
    changed = {**claims, **changes}
    kept = {name: value for name, value in changed.items() if value is not None}
    return jwt.encode(kept, django_settings.SECRET_KEY, algorithm="HS256")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


WRONG_CLAIMS: tuple[dict[str, Any], ...] = (
    {"aud": "other"},
    {"aud": None},
    {"iss": "other"},
    {"iss": None},
    {"token_type": None},
    {"exp": int(time.time()) - 1},
    {"exp": None},
    {"sub": "999999"},
    {"sub": "x"},
    {"sub": None},
    {"sid": None},
    {"sid": "x"},
    {"sid": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e"},
)


class TestT42Forged:
    def test_T42_claims_must_be_right(self, driver: User) -> None:
        tokens = login()
        access, renewing = claims_of(tokens["access"]), claims_of(tokens["refresh"])
        for wrong in (*WRONG_CLAIMS, {"token_type": "refresh"}):
            assert status_of(signed(access, **wrong)) == 401, wrong
        for wrong in (
            *WRONG_CLAIMS,
            {"token_type": "access"},
            {"gen": None},
            {"gen": "x"},
            {"gen": 1},
        ):
            refresh(signed(renewing, **wrong), expect=401)
        assert status_of(signed(access)) == 200
        refresh(signed(renewing))

    def test_T42_neither_token_stands_for_the_other(self, driver: User) -> None:
        tokens = login()
        assert status_of(tokens["refresh"]) == 401
        refresh(tokens["access"], expect=401)
        refresh(tokens["refresh"])

    def test_T42_algorithms_and_keys_must_be_ours(self, driver: User) -> None:
        tokens = login()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        for kind, check in (
            ("access", lambda token: status_of(token) == 401),
            ("refresh", lambda token: refresh(token, expect=401)["code"] == "token_not_valid"),
        ):
            claims = claims_of(tokens[kind])
            secret = django_settings.SECRET_KEY
            body, signature = tokens[kind].split(".")[1:]
            forged = [
                f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.",
                f"{part({'alg': 'None', 'typ': 'JWT'})}.{part(claims)}.",
                f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.{signature}",
                f"{part({'typ': 'JWT'})}.{body}.{signature}",
                jwt.encode(claims, secret, algorithm="HS512"),
                jwt.encode(claims, "k" * 64, algorithm="HS256"),
                jwt.encode(claims, key, algorithm="RS256"),
                f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{body}.{signature}",
                jwt.encode(
                    claims, "k" * 64, algorithm="HS256", headers={"kid": "../../../../dev/null"}
                ),
                jwt.encode(
                    claims, "k" * 64, algorithm="HS256", headers={"kid": "' UNION SELECT 'k'--"}
                ),
                jwt.encode(
                    claims,
                    key,
                    algorithm="RS256",
                    headers={"jwk": json.loads(RSAAlgorithm.to_jwk(key.public_key()))},
                ),
                jwt.encode(
                    claims, key, algorithm="RS256", headers={"jku": "http://127.0.0.1:1/keys"}
                ),
                f"{tokens[kind]}x",
                tokens[kind].rpartition(".")[0] + ".",
            ]
            for token in forged:
                assert check(token), token
        assert status_of(tokens["access"]) == 200

    def test_T42_expired_ones_are_dead(self, driver: User, at: MovingClock) -> None:
        tokens = login()
        at.forward(days=30, seconds=1)
        assert status_of(tokens["access"]) == 401
        refresh(tokens["refresh"], expect=401)

    def test_T42_an_access_token_lives_ten_minutes_and_no_longer_than_its_sign_in(
        self, driver: User, at: MovingClock
    ) -> None:
        tokens = login()
        claims = claims_of(tokens["access"])
        assert claims["exp"] - claims["iat"] == 600
        at.forward(days=29, hours=23, minutes=55)
        SignIn.objects.update(expires_at=clock.now().replace(microsecond=0))
        late = SignIn.objects.get()
        assert claims_of(issue_access_token(late))["exp"] <= int(late.expires_at.timestamp())

    def test_T42_renewing_does_not_move_the_end(self, driver: User, at: MovingClock) -> None:
        tokens = login()
        end = tokens["refresh_expires_at"]
        for _day in range(3):
            at.forward(days=7)
            tokens = refresh(tokens["refresh"])
            assert tokens["refresh_expires_at"] == end
        assert claims_of(tokens["refresh"])["exp"] == int(
            SignIn.objects.get().expires_at.timestamp()
        )


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


class TestT43Reused:
    def test_T43_an_old_token_ends_the_family_and_no_other(self, driver: User) -> None:
        stolen, other = login(), login()
        renewed = refresh(stolen["refresh"])
        again = refresh(renewed["refresh"])
        assert refresh(stolen["refresh"], expect=401)["code"] == "token_not_valid"
        refresh(again["refresh"], expect=401)
        assert status_of(again["access"]) == 401
        assert status_of(other["access"]) == 200
        refresh(other["refresh"])
        entry = AuditEntry.objects.get(action="sign_in.refresh_reused")
        assert (entry.actor_label, entry.object_type) == ("system:refresh", "accounts.SignIn")
        assert SignIn.objects.get(end_reason="REUSED")
        with empty_outboxes():
            assert "was used twice" in written_to(EMAIL)[-1]

    @pytest.mark.django_db(transaction=True)
    def test_T43_twenty_at_once_have_one_success_and_the_family_is_dead(self) -> None:
        make_driver(EMAIL)
        tokens = login()

        def attempt(_number: int) -> tuple[int, bytes]:
            response = Client().post(REFRESH, {"refresh": tokens["refresh"]}, "application/json")
            return response.status_code, response.content

        answers = in_threads(20, attempt)
        assert sorted(status for status, _body in answers) == [200] + [401] * 19
        won = json.loads(next(body for status, body in answers if status == 200))
        refresh(won["refresh"], expect=401)
        assert status_of(won["access"]) == 401
        assert SignIn.objects.get().end_reason == "REUSED"
        assert AuditEntry.objects.filter(action="sign_in.refresh_reused").count() == 1


class TestT44Outlived:
    """Also with `sign_out`, `password` and devices in tests/api/test_drivers.py."""

    def dead(self, tokens: dict[str, Any]) -> bool:
        refresh(tokens["refresh"], expect=401)
        return status_of(tokens["access"]) == 401

    def test_T44_after_logout(self, driver: User) -> None:
        tokens, other = login(), login()
        client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
        client.call("post", "/api/auth/logout", expect=204)
        assert self.dead(tokens)
        assert status_of(other["access"]) == 200

    def test_T44_after_a_password_change_wherever_it_was_made(self, driver: User) -> None:
        tokens = login()
        driver.set_password("another-long-password")
        driver.save()
        assert self.dead(tokens)

    def test_T44_after_the_person_was_closed_and_also_after_reopening(
        self,
        driver: User,
        sign_in: Callable[[User], Client],  # noqa: F811
    ) -> None:
        tokens = login()
        console = sign_in(make_superadmin("root@example.com"))
        page = reverse("admin:accounts_user_change", args=[driver.pk])
        form = {"display_name": "", "role": "DRIVER", "language": "en", "operators": []}
        assert console.post(page, form).status_code == 302
        driver.refresh_from_db()
        assert not driver.is_active
        assert self.dead(tokens)
        assert console.post(page, {**form, "is_active": "on"}).status_code == 302
        driver.refresh_from_db()
        assert driver.is_active
        assert self.dead(tokens)

    def test_T44_after_all_was_revoked(self, driver: User) -> None:
        tokens = [login(), login()]
        assert sign_ins.revoke_all(driver, at=clock.now()) == 2
        assert all(self.dead(one) for one in tokens)
        assert sign_ins.revoke_all(driver, at=clock.now()) == 0
        assert AuditEntry.objects.filter(action="sign_in.revoke_all").count() == 1

    def test_T44_by_a_superadmin_in_the_console(
        self,
        driver: User,
        sign_in: Callable[[User], Client],  # noqa: F811
    ) -> None:
        tokens = login()
        console = sign_in(make_superadmin("root@example.com"))
        opened = SignIn.objects.get(user=driver)
        page = reverse("admin:accounts_signin_change", args=[opened.pk])
        assert "s•••@" not in console.get(page).content.decode()
        url = f"/admin/accounts/signin/{opened.pk}/sign-out/"
        assert status_of(tokens["access"]) == 200
        assert console.get(url).status_code == 200
        assert status_of(tokens["access"]) == 200
        console.post(url)
        assert self.dead(tokens)
        assert AuditEntry.objects.get(action="sign_out").actor_label == "root@example.com"

    def test_T44_a_drivers_token_is_none_of_staff(self, driver: User) -> None:
        """Who becomes staff has to show the second factor, whoever changed the role and how."""
        tokens = login()
        User.objects.filter(pk=driver.pk).update(role="SUPERADMIN")
        client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
        client.call("get", "/connections", expect=401)
        refresh(tokens["refresh"], expect=401)


class TestT45Guessed:
    def test_T45_from_many_addresses_locks_the_person(self, driver: User) -> None:
        statuses = []
        for number in range(40):
            cache.clear()
            body = {"email": EMAIL.upper() if number % 2 else EMAIL, "password": f"guess-{number}"}
            response = ApiClient().call("post", LOGIN, body, REMOTE_ADDR=f"10.0.{number}.1")
            statuses.append(response.status_code)
        assert statuses == [401] * 4 + [429] * 36
        assert int(response["Retry-After"]) == 900
        assert login(expect=429, REMOTE_ADDR="10.9.9.9")["code"] == "throttled"

    def test_T45_by_phone_however_the_number_is_written(self) -> None:
        make_driver(None, phone="+66812345678")
        statuses = []
        for typed in ("0812345678", "+66812345678", "66812345678", "081 234 5678", "0812345678"):
            cache.clear()
            body = {"phone": typed, "password": "wrong-password-1"}
            statuses.append(ApiClient().call("post", LOGIN, body).status_code)
        assert statuses == [401] * 4 + [429]

    def test_T45_from_one_address_locks_the_address(self, driver: User, settings: Any) -> None:
        settings.LOGIN_FAILURES_PER_ADDRESS = 9
        statuses = []
        for number in range(10):
            cache.clear()
            body = {"email": f"somebody-{number}@example.com", "password": "wrong-password-1"}
            statuses.append(
                ApiClient().call("post", LOGIN, body, REMOTE_ADDR="10.1.1.1").status_code
            )
        assert statuses == [401] * 8 + [429] * 2
        login(expect=429, REMOTE_ADDR="10.1.1.1")
        login(REMOTE_ADDR="10.1.1.2")

    def test_T45_one_customer_of_ipv6_is_one_address(self, driver: User, settings: Any) -> None:
        settings.LOGIN_FAILURES_PER_ADDRESS = 6
        statuses = []
        for number in range(7):
            cache.clear()
            body = {"email": f"somebody-{number}@example.com", "password": "wrong-password-1"}
            address = f"2001:db8:0:1:{number:x}::{number:x}"
            statuses.append(ApiClient().call("post", LOGIN, body, REMOTE_ADDR=address).status_code)
        assert statuses == [401] * 5 + [429] * 2
        login(expect=429, REMOTE_ADDR="2001:db8:0:1:ffff::1")
        login(REMOTE_ADDR="2001:db8:0:2::1")

    def test_T45_mistakes_behind_a_carriers_address_lock_nobody_else_out(
        self, driver: User
    ) -> None:
        """Twenty people who mistype four times each, as the settings are."""
        for number in range(80):
            cache.clear()
            body = {"email": f"p{number % 20}@example.com", "password": "wrong-password-1"}
            ApiClient().call("post", LOGIN, body, REMOTE_ADDR="10.1.1.1", expect=401)
        login(REMOTE_ADDR="10.1.1.1")

    def test_T45_signing_in_clears_no_failures_of_others(self, driver: User, settings: Any) -> None:
        """Or whoever has an account of their own could guess for ever from one address."""
        settings.LOGIN_FAILURES_PER_ADDRESS = 9
        statuses = []
        for number in range(9):
            cache.clear()
            body = {"email": f"somebody-{number}@example.com", "password": "wrong-password-1"}
            response = ApiClient().call("post", LOGIN, body, REMOTE_ADDR="10.1.1.1")
            statuses.append(response.status_code)
            if number < 8:
                login(REMOTE_ADDR="10.1.1.1")
        assert statuses == [401] * 8 + [429]

    def test_T45_a_forwarded_address_without_a_proxy_changes_nothing(
        self, driver: User, settings: Any
    ) -> None:
        settings.LOGIN_FAILURES_PER_ADDRESS = 5
        statuses = []
        for number in range(7):
            body = {"email": f"somebody-{number}@example.com", "password": "wrong-password-1"}
            response = ApiClient().call(
                "post",
                LOGIN,
                body,
                REMOTE_ADDR="10.1.1.1",
                HTTP_X_FORWARDED_FOR=f"192.0.2.{number}",
                HTTP_X_REAL_IP=f"192.0.2.{number}",
                HTTP_FORWARDED=f"for=192.0.2.{number}",
            )
            statuses.append(response.status_code)
        assert statuses == [401] * 4 + [429] * 3

    def test_T45_what_is_stored_of_failures_holds_no_number(self) -> None:
        make_driver(None, phone="+66812345678")
        ApiClient().call("post", LOGIN, {"phone": "0812345678", "password": "wrong-password-1"})
        assert "812345678" not in str(list(AccessAttempt.objects.values()))
        assert "wrong-password" not in str(list(AccessAttempt.objects.values()))
