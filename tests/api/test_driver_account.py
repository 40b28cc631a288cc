"""Drivers look after their devices, password and profile."""

from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import SignIn, User, Verification
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.api.driver_support import (
    AUTH,
    EMAIL,
    OTHER_PASSWORD,
    PHONE,
    bearer,
    login,
    refresh,
    signed_in,
    verify,
)
from tests.support.account_messages import code_sent_to, empty_outboxes, written_to
from tests.support.factories import PASSWORD, make_driver, make_staff
from tests.support.moving_clock import MovingClock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _outboxes() -> Any:
    with empty_outboxes():
        yield


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


class TestDevices:
    def test_list_and_sign_out_one(self, django_assert_num_queries: Any) -> None:
        make_driver(EMAIL)
        here, _tokens = signed_in(email=EMAIL)
        there, _tokens = signed_in(email=EMAIL)
        with django_assert_num_queries(3):
            rows = here.json("get", f"{AUTH}/devices", expect=200)["results"]
        other = next(row for row in rows if not row["is_current"])
        assert len(rows) == 2
        here.call("delete", f"{AUTH}/devices/{other['id']}", expect=204)
        there.call("get", "/api/profile", expect=401)
        here.call("get", "/api/profile", expect=200)
        here.call("delete", f"{AUTH}/devices/{other['id']}", expect=404)

    def test_all(self) -> None:
        make_driver(EMAIL)
        here, tokens = signed_in(email=EMAIL)
        there, other_tokens = signed_in(email=EMAIL)
        here.call("delete", f"{AUTH}/devices?keep_current=true", expect=204)
        there.call("get", "/api/profile", expect=401)
        refresh(other_tokens["refresh"], expect=401)
        here.call("delete", f"{AUTH}/devices", expect=204)
        here.call("get", "/api/profile", expect=401)
        refresh(tokens["refresh"], expect=401)

    def test_somebody_elses_is_not_there(self) -> None:
        make_driver(EMAIL)
        make_driver("suda@example.com")
        somchai, _tokens = signed_in(email=EMAIL)
        suda, _tokens = signed_in(email="suda@example.com")
        (row,) = somchai.json("get", f"{AUTH}/devices", expect=200)["results"]
        suda.call("delete", f"{AUTH}/devices/{row['id']}", expect=404)
        suda.call("delete", f"{AUTH}/devices", expect=204)
        somchai.call("get", "/api/profile", expect=200)


class TestPasswords:
    def test_changing_signs_every_device_out_and_tells_the_owner(self) -> None:
        make_driver(EMAIL, language="en")
        here, _tokens = signed_in(email=EMAIL)
        there, other_tokens = signed_in(email=EMAIL)
        body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        answer = here.json("post", f"{AUTH}/password", body, expect=200)
        for client in (here, there):
            client.call("get", "/api/profile", expect=401)
        refresh(other_tokens["refresh"], expect=401)
        bearer(answer["access"]).call("get", "/api/profile", expect=200)
        login(email=EMAIL, expect=401)
        login(email=EMAIL, password=OTHER_PASSWORD)
        assert "was changed" in written_to(EMAIL)[-1]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"current_password": "wrong-password-1", "new_password": OTHER_PASSWORD}, "current_"),
            ({"current_password": PASSWORD, "new_password": "1234567890"}, "new_"),
        ],
    )
    def test_refusals_name_the_field(self, body: dict[str, str], field: str) -> None:
        make_driver(EMAIL)
        client, _tokens = signed_in(email=EMAIL)
        problem = client.json("post", f"{AUTH}/password", body, expect=400)
        assert problem["errors"][0]["field"] == f"{field}password"
        client.call("get", "/api/profile", expect=200)

    def test_a_stolen_device_cannot_guess(self) -> None:
        make_driver(EMAIL)
        client, _tokens = signed_in(email=EMAIL)
        body = {"current_password": "wrong-password-1", "new_password": OTHER_PASSWORD}
        statuses = []
        for _number in range(5):
            cache.clear()
            statuses.append(client.call("post", f"{AUTH}/password", body).status_code)
        assert statuses == [400] * 4 + [429]
        cache.clear()
        client.call("post", f"{AUTH}/password", {**body, "current_password": PASSWORD}, expect=429)

    def reset(
        self, contact: dict[str, str], password: str, code: str = "", expect: int = 204
    ) -> Any:
        asked = ApiClient().json("post", f"{AUTH}/password-reset", contact, expect=202)
        body = {
            "verification_id": asked["verification_id"],
            "code": code or code_sent_to(next(iter(contact.values()))),
            "password": password,
        }
        return ApiClient().json("post", f"{AUTH}/password-reset/confirm", body, expect=expect)

    def test_resetting_by_phone(self) -> None:
        make_driver(None, phone=PHONE)
        _client, tokens = signed_in(phone=PHONE)
        self.reset({"phone": PHONE}, OTHER_PASSWORD)
        refresh(tokens["refresh"], expect=401)
        login(phone=PHONE, expect=401)
        login(phone=PHONE, password=OTHER_PASSWORD)

    def test_resetting_proves_the_address_and_ends_a_lockout(self) -> None:
        make_driver(EMAIL, email_verified_at=None)
        for _number in range(5):
            cache.clear()
            body = {"email": EMAIL, "password": "wrong-password-1"}
            ApiClient().call("post", f"{AUTH}/login", body)
        login(email=EMAIL, expect=429)
        self.reset({"email": EMAIL}, OTHER_PASSWORD)
        login(email=EMAIL, password=OTHER_PASSWORD)

    def test_a_password_that_is_refused_does_not_use_up_the_code(self, at: MovingClock) -> None:
        make_driver(EMAIL)
        asked = ApiClient().json("post", f"{AUTH}/password-reset", {"email": EMAIL}, expect=202)
        body = {"verification_id": asked["verification_id"], "code": code_sent_to(EMAIL)}
        path = f"{AUTH}/password-reset/confirm"
        ApiClient().call("post", path, {**body, "password": "1234567890"}, expect=400)
        ApiClient().call("post", path, {**body, "password": OTHER_PASSWORD}, expect=204)
        ApiClient().call("post", path, {**body, "password": OTHER_PASSWORD}, expect=400)

    def test_staff_cannot_get_past_their_second_factor(self) -> None:
        staff = make_staff("staff@example.com")
        asked = ApiClient().json(
            "post", f"{AUTH}/password-reset", {"email": staff.email}, expect=202
        )
        assert not written_to("staff@example.com")
        body = {"verification_id": asked["verification_id"], "code": "123456"}
        for _number in range(6):
            full = {**body, "password": OTHER_PASSWORD}
            ApiClient().call("post", f"{AUTH}/password-reset/confirm", full, expect=400)

    def test_a_code_of_another_kind_is_none(self) -> None:
        make_driver(EMAIL)
        asked = ApiClient().json("post", f"{AUTH}/password-reset", {"email": EMAIL}, expect=202)
        verify(asked, code_sent_to(EMAIL), expect=400)


class TestProfile:
    def test_is_for_drivers(self, staff: User, anonymous: ApiClient) -> None:
        anonymous.call("get", "/api/profile", expect=401)
        ApiClient.of(staff).call("get", "/api/profile", expect=403)

    def test_name_and_language(self) -> None:
        user = make_driver(EMAIL)
        client, _tokens = signed_in(email=EMAIL)
        body = {"display_name": " Suda  ก. ", "language": "en", "role": "STAFF", "is_active": False}
        answer = client.json("patch", "/api/profile", body, expect=200)
        assert (answer["display_name"], answer["language"]) == ("Suda ก.", "en")
        assert answer["verification"] is None
        user.refresh_from_db()
        assert (user.role, user.is_active) == ("DRIVER", True)
        entry = AuditEntry.objects.get(action="driver.update")
        assert entry.changes == {"fields": ["display_name", "language"]}
        client.json("patch", "/api/profile", {"language": "en"}, expect=200)
        assert AuditEntry.objects.filter(action="driver.update").count() == 1

    def test_a_new_number_counts_once_it_is_confirmed(self) -> None:
        make_driver(EMAIL, language="en")
        client, _tokens = signed_in(email=EMAIL)
        body = {"phone": "0812345678", "current_password": PASSWORD}
        answer = client.json("patch", "/api/profile", body, expect=200)
        assert (answer["phone"], answer["verification"]["sent_to"]) == (None, "•••5678")
        login(phone=PHONE, expect=401)
        verify(answer["verification"], code_sent_to(PHONE))
        assert client.json("get", "/api/profile")["phone"] == PHONE
        login(phone=PHONE)
        assert "reached at •••5678" in written_to(EMAIL)[-1]

    def test_a_new_address_needs_the_password(self) -> None:
        make_driver(EMAIL)
        client, _tokens = signed_in(email=EMAIL)
        for extra in ({}, {"current_password": "wrong-password-1"}):
            body = {"email": "new@example.com", **extra}
            problem = client.json("patch", "/api/profile", body, expect=400)
            assert problem["errors"][0]["field"] == "current_password"
        assert not Verification.objects.exists()

    def test_an_account_without_password_needs_a_recent_sign_in(self, at: MovingClock) -> None:
        user = make_driver(EMAIL, password=None)
        client = ApiClient.of(user)
        SignIn.objects.update(expires_at=at.at.replace(year=at.at.year + 1))
        at.forward(minutes=11)
        body = {"phone": PHONE}
        assert client.json("patch", "/api/profile", body, expect=403)["code"] == "sign_in_again"
        fresh = ApiClient.of(user)
        fresh.call("patch", "/api/profile", body, expect=200)
        change = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        assert fresh.json("post", f"{AUTH}/password", change, expect=409)["code"] == "no_password"

    def test_an_address_that_is_taken_tells_its_owner_alone(self) -> None:
        make_driver(EMAIL)
        make_driver("suda@example.com", language="en")
        client, _tokens = signed_in(email=EMAIL)
        body = {"email": "suda@example.com", "current_password": PASSWORD}
        asked = client.json("patch", "/api/profile", body, expect=200)["verification"]
        assert "belongs to an account already" in written_to("suda@example.com")[-1]
        verify(asked, "123456", expect=400)
        assert User.objects.get(email="suda@example.com").pk

    def test_consents_are_shown_and_changed(self) -> None:
        make_driver(EMAIL)
        client, _tokens = signed_in(email=EMAIL)
        assert client.json("get", "/api/profile", expect=200)["consents"] == []
        given = {"purpose": "MARKETING", "decision": "GIVEN", "text_version": "2026-11"}
        body = {"consents": [given, {**given, "purpose": "TERMS"}]}
        answer = client.json("patch", "/api/profile", body, expect=200)
        assert [one["purpose"] for one in answer["consents"]] == ["MARKETING", "TERMS"]
        withdrawn = {**given, "decision": "WITHDRAWN"}
        client.call("patch", "/api/profile", {"consents": [withdrawn]}, expect=200)
        shown = client.json("get", "/api/profile", expect=200)["consents"]
        assert [(one["purpose"], one["decision"]) for one in shown] == [
            ("MARKETING", "WITHDRAWN"),
            ("TERMS", "GIVEN"),
        ]
        assert client.json("get", "/api/consents", expect=200)["results"][0] == shown[0]

    def test_a_consent_that_is_refused_changes_nothing_else(self) -> None:
        user = make_driver(EMAIL, display_name="Somchai")
        client, _tokens = signed_in(email=EMAIL)
        terms = {"purpose": "TERMS", "decision": "WITHDRAWN", "text_version": "2026-11"}
        marketing = {**terms, "purpose": "MARKETING", "decision": "GIVEN"}
        body = {"display_name": "Suda", "consents": [marketing, terms]}
        problem = client.json("patch", "/api/profile", body, expect=409)
        assert problem["code"] == "account_deletion_needed"
        user.refresh_from_db()
        assert user.display_name == "Somchai"
        assert client.json("get", "/api/profile", expect=200)["consents"] == []
        client.call("patch", "/api/profile", {"consents": [{"purpose": "TERMS"}]}, expect=400)

    def test_all_of_a_change_or_nothing(self) -> None:
        user = make_driver(EMAIL, display_name="Somchai")
        client, _tokens = signed_in(email=EMAIL)
        body = {"phone": PHONE, "current_password": PASSWORD}
        client.call("patch", "/api/profile", {**body, "display_name": "a\u202eb"}, expect=400)
        assert not Verification.objects.exists()
        client.call("patch", "/api/profile", body, expect=200)
        client.call("patch", "/api/profile", {**body, "display_name": "Suda"}, expect=429)
        user.refresh_from_db()
        assert user.display_name == "Somchai"

    def test_the_present_address_is_no_change(self) -> None:
        make_driver(EMAIL)
        client, _tokens = signed_in(email=EMAIL)
        body = {"email": EMAIL.upper(), "current_password": PASSWORD}
        assert (
            client.json("patch", "/api/profile", body, expect=400)["errors"][0]["field"] == "email"
        )


class TestLogout:
    def test_by_the_access_token(self) -> None:
        make_driver(EMAIL)
        client, tokens = signed_in(email=EMAIL)
        client.call("post", f"{AUTH}/logout", expect=204)
        client.call("get", "/api/profile", expect=401)
        refresh(tokens["refresh"], expect=401)

    def test_by_the_refresh_token_when_the_other_has_expired(self) -> None:
        make_driver(EMAIL)
        client, tokens = signed_in(email=EMAIL)
        body = {"refresh": tokens["refresh"]}
        ApiClient().call("post", f"{AUTH}/logout", body, expect=204)
        client.call("get", "/api/profile", expect=401)
        ApiClient().call("post", f"{AUTH}/logout", body, expect=401)

    def test_without_either(self) -> None:
        for body in (None, {}, {"refresh": "x"}):
            ApiClient().call("post", f"{AUTH}/logout", body, expect=401)
