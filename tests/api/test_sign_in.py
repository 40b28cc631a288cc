"""Staff sign in with a second factor; tokens die with the sign-in, the password and the person."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.core.cache import cache
from rest_framework.settings import api_settings

from accounts.models import SignIn, User
from accounts.services import keys
from accounts.services import staff as staff_services
from tests.api.client import ApiClient
from tests.support.factories import PASSWORD, make_api_key, make_driver, one_time_code

pytestmark = pytest.mark.django_db
LOGIN = "/api/admin/auth/login"


def credentials(user: User, **changes: str) -> dict[str, str]:
    return {"email": user.email or "", "password": PASSWORD, "code": one_time_code(user), **changes}


def sign_in(user: User) -> dict[str, Any]:
    answer: dict[str, Any] = ApiClient().json("post", LOGIN, credentials(user), expect=200)
    return answer


def bearer(token: str) -> ApiClient:
    return ApiClient(HTTP_AUTHORIZATION=f"Bearer {token}")


def test_password_and_code_give_a_token(staff: User) -> None:
    answer = sign_in(staff)
    assert (answer["expires_in"], answer["user"]["operators"]) == (600, ["bangkok-ev"])
    assert bearer(answer["access"]).get("/connections").status_code == 200


def test_no_session_cookie_is_given(staff: User) -> None:
    response = ApiClient().call("post", LOGIN, credentials(staff), expect=200)
    assert not response.cookies


def test_a_backup_code_works_once(staff: User) -> None:
    code = staff_services.create_backup_codes(staff)[0]
    ApiClient().call("post", LOGIN, credentials(staff, code=code), expect=200)
    ApiClient().call("post", LOGIN, credentials(staff, code=code), expect=401)


def test_every_wrong_input_gets_the_same_answer(staff: User) -> None:
    driver = make_driver("driver@example.com")
    bodies = [
        credentials(staff, password="wrong"),
        credentials(staff, code="000000"),
        credentials(staff, email="nobody@example.com"),
        credentials(staff, email=driver.email or ""),
    ]
    answers = []
    for body in bodies:
        cache.clear()
        problem = ApiClient().json("post", LOGIN, body, expect=401)
        answers.append({k: v for k, v in problem.items() if k != "request_id"})
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"code": "000000"}])
def test_five_failures_lock_out_whatever_the_spelling(staff: User, wrong: dict[str, str]) -> None:
    codes = []
    for number in range(6):
        cache.clear()
        email = "STAFF@example.com" if number % 2 else "staff@example.com"
        body = credentials(staff, email=email, **wrong)
        response = ApiClient().call("post", LOGIN, body, REMOTE_ADDR=f"10.0.0.{number}")
        codes.append(response.status_code)
    assert codes == [401, 401, 401, 401, 429, 429]
    assert int(response["Retry-After"]) == 900
    cache.clear()
    right = ApiClient().call("post", LOGIN, credentials(staff), REMOTE_ADDR="10.1.1.1")
    assert (right.status_code, right["Content-Type"]) == (429, "application/problem+json")


def test_sign_ins_of_one_address_are_limited(staff: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(api_settings.DEFAULT_THROTTLE_RATES, "login_address", "5/d")
    codes = [
        ApiClient().call("post", LOGIN, credentials(staff, email=f"a{n}@example.com")).status_code
        for n in range(6)
    ]
    assert codes == [401] * 5 + [429]


class TestTokensDie:
    def test_at_logout(self, staff: User) -> None:
        first, second = sign_in_twice(staff)
        bearer(first).call("post", "/api/admin/auth/logout", expect=204)
        assert bearer(first).get("/connections").status_code == 401
        assert bearer(second).get("/connections").status_code == 200

    def test_with_the_password(self, staff: User) -> None:
        token = sign_in(staff)["access"]
        staff.set_password("another-long-password")
        staff.save()
        assert bearer(token).get("/connections").status_code == 401

    def test_with_the_person(self, staff: User) -> None:
        token = sign_in(staff)["access"]
        User.objects.filter(pk=staff.pk).update(is_active=False)
        assert bearer(token).get("/connections").status_code == 401

    def test_with_the_role(self, staff: User) -> None:
        token = sign_in(staff)["access"]
        User.objects.filter(pk=staff.pk).update(role="DRIVER")
        assert bearer(token).get("/connections").status_code == 403


def sign_in_twice(user: User) -> tuple[str, str]:
    code = staff_services.create_backup_codes(user)
    return tuple(
        ApiClient().json("post", LOGIN, credentials(user, code=one), expect=200)["access"]
        for one in code[:2]
    )


class TestForgedTokens:
    @pytest.fixture
    def claims(self, staff: User) -> dict[str, Any]:
        token = sign_in(staff)["access"]
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        # It ends with its sign-in, which began a moment, and maybe a second, before it.
        assert 590 <= claims["exp"] - claims["iat"] <= 600
        return claims

    @staticmethod
    def status(token: str) -> int:
        return bearer(token).get("/connections").status_code

    def test_claims_must_be_right(self, claims: dict[str, Any]) -> None:
        def signed(**changes: Any) -> str:
            changed = {**claims, **changes}
            kept = {name: value for name, value in changed.items() if value is not None}
            return jwt.encode(kept, settings.SECRET_KEY, algorithm="HS256")

        assert self.status(signed()) == 200
        for changes in (
            {"aud": "other"},
            {"aud": None},
            {"iss": "other"},
            {"iss": None},
            {"token_type": "refresh"},
            {"token_type": None},
            {"exp": int(time.time()) - 1},
            {"exp": None},
            {"sub": "999999"},
            {"sub": None},
            {"sid": None},
            {"sid": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e"},
            {"sid": "x"},
        ):
            assert self.status(signed(**changes)) == 401, changes

    def test_algorithms_and_keys_must_be_ours(self, claims: dict[str, Any]) -> None:
        def part(value: dict[str, Any]) -> str:
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

        assert self.status(f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.") == 401
        assert self.status(jwt.encode(claims, settings.SECRET_KEY, algorithm="HS512")) == 401
        assert self.status(jwt.encode(claims, "k" * 64, algorithm="HS256")) == 401
        for junk in ("", "x", "a.b.c", "ก.ข.ค", "." * 5000):
            assert bearer(junk.encode().decode("latin-1")).get("/connections").status_code == 401

    def test_an_ended_sign_in_is_none(self, staff: User, claims: dict[str, Any]) -> None:
        SignIn.objects.update(expires_at="2020-01-01T00:00:00Z")
        token = jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")
        assert self.status(token) == 401


class TestKeys:
    def test_revoked_expired_and_wrong_keys(self, staff: User) -> None:
        row, raw = make_api_key(("read",))
        client = ApiClient(HTTP_X_API_KEY=raw)
        assert client.get("/connections").status_code == 200
        assert ApiClient(HTTP_X_API_KEY=raw[:-1] + "x").get("/connections").status_code == 401
        assert ApiClient(HTTP_X_API_KEY="").get("/connections").status_code == 401
        keys.revoke(row, actor=staff)
        response = client.call("get", "/connections", expect=401)
        assert response["WWW-Authenticate"].startswith("Bearer")

    def test_a_console_session_is_no_sign_in(self, staff: User) -> None:
        client = ApiClient()
        client.force_login(staff, backend="accounts.backends.EmailBackend")
        assert client.get("/connections").status_code == 401
