"""SUPERADMIN invites staff and keeps API keys over the API; sign-ins are in the log."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.settings import api_settings

from accounts.models import ApiKey, LoginAttempt, Operator, User
from tests.api.client import ApiClient
from tests.support.account_messages import written_to
from tests.support.factories import (
    PASSWORD,
    make_api_key,
    make_operator,
    make_superadmin,
    one_time_code,
)
from tests.support.mail import DELIVERING

pytestmark = pytest.mark.django_db
REGISTER = "/api/admin/auth/register"
KEYS = "/api/admin/api-keys"
LOGIN = "/api/admin/auth/login"


@pytest.fixture
def root(db: None) -> User:
    return make_superadmin("root@example.com")


@pytest.fixture
def as_root(root: User) -> ApiClient:
    return ApiClient.of(root)


class TestRegister:
    def test_the_answer_holds_a_link_that_lets_the_person_set_up(
        self, as_root: ApiClient, operator: Operator
    ) -> None:
        body = {"email": "Nok@Example.com", "role": "STAFF", "operators": ["bangkok-ev"]}
        answer = as_root.json("post", REGISTER, body, expect=201)
        assert answer["user"]["email"] == "nok@example.com"
        assert answer["user"]["operators"] == ["bangkok-ev"]
        page, _hash, token = answer["set_up_url"].partition("#")
        assert page == "http://localhost:8000/admin/set-up/"
        client = Client()
        assert client.post("/admin/set-up/", {"token": token}).status_code == 302
        assert "nok@example.com" in client.get("/admin/set-up/").content.decode()
        cache.clear()
        credentials = {"email": "nok@example.com", "password": "", "code": "123456"}
        for password in ("x", "!", PASSWORD):
            ApiClient().call("post", LOGIN, {**credentials, "password": password}, expect=401)

    def test_with_a_mail_server_only_the_person_gets_the_link(
        self, as_root: ApiClient, operator: Operator, settings: Any
    ) -> None:
        settings.EMAIL_BACKEND = DELIVERING
        body = {"email": "nok@example.com", "role": "STAFF", "operators": ["bangkok-ev"]}
        assert as_root.json("post", REGISTER, body, expect=201)["set_up_url"] is None
        assert "/admin/set-up/#" in written_to("nok@example.com")[-1]

    def test_a_used_address_is_a_conflict(self, as_root: ApiClient, root: User) -> None:
        body = {"email": "ROOT@example.com", "role": "SUPERADMIN"}
        problem = as_root.json("post", REGISTER, body, expect=409)
        assert problem["code"] == "email_taken"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"role": "DRIVER"}, "role"),
            ({"operators": []}, "operators"),
            ({"operators": ["unknown"]}, "operators"),
            ({"email": "nobody"}, "email"),
            ({"language": "fr"}, "language"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, as_root: ApiClient, operator: Operator, changes: dict[str, Any], field: str
    ) -> None:
        body = {"email": "nok@example.com", "role": "STAFF", "operators": ["bangkok-ev"]}
        problem = as_root.json("post", REGISTER, {**body, **changes}, expect=400)
        assert problem["errors"][0]["field"] == field
        assert not User.objects.filter(email="nok@example.com").exists()

    def test_only_superadmin(self, as_staff: ApiClient, with_key: ApiClient) -> None:
        for client in (as_staff, with_key):
            client.call("post", REGISTER, {"email": "a@example.com", "role": "STAFF"}, expect=403)
        ApiClient().call("post", REGISTER, {}, expect=401)


class TestKeys:
    def test_a_key_is_made_listed_rotated_and_revoked(
        self, as_root: ApiClient, operator: Operator
    ) -> None:
        body = {"name": "Partner", "scopes": ["read"], "operator": "bangkok-ev"}
        made = as_root.json("post", KEYS, body, expect=201)
        old = ApiClient(HTTP_X_API_KEY=made["key"])
        old.call("get", "/connections", expect=200)

        rotated = as_root.json("post", f"{KEYS}/{made['id']}/rotate", {}, expect=200)
        assert rotated["prefix"] == made["prefix"]
        assert rotated["old_secret_valid_until"] is not None
        new = ApiClient(HTTP_X_API_KEY=rotated["key"])
        for client in (old, new):
            client.call("get", "/connections", expect=200)

        listed = as_root.json("get", KEYS, expect=200)["results"]
        assert [row["id"] for row in listed] == [made["id"]]
        assert "key" not in listed[0]
        assert listed[0]["last_used_at"] is not None

        for _again in range(2):
            as_root.call("delete", f"{KEYS}/{made['id']}", expect=204)
        for client in (old, new):
            client.call("get", "/connections", expect=401)
        assert as_root.json("get", KEYS, expect=200)["results"][0]["status"] == "REVOKED"
        problem = as_root.json("post", f"{KEYS}/{made['id']}/rotate", {}, expect=409)
        assert problem["code"] == "key_void"

    @pytest.mark.parametrize("hours", [-1, 169, "x", 1.5])
    def test_an_overlap_has_its_limits(self, as_root: ApiClient, hours: Any) -> None:
        key, _raw = make_api_key()
        body = {"overlap_hours": hours}
        problem = as_root.json("post", f"{KEYS}/{key.pk}/rotate", body, expect=400)
        assert problem["errors"][0]["field"] == "overlap_hours"

    def test_what_is_not_there_is_404(self, as_root: ApiClient) -> None:
        for key_id in ("999999", "9" * 30):
            as_root.call("post", f"{KEYS}/{key_id}/rotate", {}, expect=404)
            as_root.call("delete", f"{KEYS}/{key_id}", expect=404)

    def test_only_superadmin(self, as_staff: ApiClient, with_key: ApiClient) -> None:
        key, _raw = make_api_key()
        for client in (as_staff, with_key):
            client.call("get", KEYS, expect=403)
            client.call("post", KEYS, {"name": "x", "scopes": ["operate"]}, expect=403)
            client.call("post", f"{KEYS}/{key.pk}/rotate", {}, expect=403)
            client.call("delete", f"{KEYS}/{key.pk}", expect=403)
        assert ApiKey.objects.filter(revoked_at=None).count() == ApiKey.objects.count()

    def test_a_list_costs_the_same_however_long(
        self, as_root: ApiClient, django_assert_num_queries: Any
    ) -> None:
        for _number in range(30):
            make_api_key(operator=make_operator())
        as_root.call("get", KEYS)
        with django_assert_num_queries(3):  # the sign-in, the count, the page
            as_root.call("get", KEYS, expect=200)

    def test_networks_are_those_of_the_client_behind_the_proxies(
        self, as_root: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"name": "Partner", "scopes": ["read"], "allowed_networks": ["203.0.113.0/24"]}
        raw = as_root.json("post", KEYS, body, expect=201)["key"]
        claimed: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}
        client = ApiClient(HTTP_X_API_KEY=raw)
        client.call("get", "/connections", expect=200, REMOTE_ADDR="203.0.113.7")
        refused = client.json(
            "get", "/connections", expect=401, REMOTE_ADDR="198.51.100.1", **claimed
        )
        unknown = ApiClient(HTTP_X_API_KEY="x").json("get", "/connections", expect=401)
        assert {**refused, "request_id": ""} == {**unknown, "request_id": ""}
        monkeypatch.setattr(api_settings, "NUM_PROXIES", 1)
        client.call("get", "/connections", expect=200, REMOTE_ADDR="10.0.0.2", **claimed)
        forged: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "203.0.113.7, 198.51.100.1"}
        client.call("get", "/connections", expect=401, REMOTE_ADDR="10.0.0.2", **forged)


def test_every_way_to_sign_in_is_in_the_log(staff: User) -> None:
    body = {"email": staff.email, "password": PASSWORD, "code": one_time_code(staff)}
    browser: dict[str, Any] = {"HTTP_USER_AGENT": "curl/8", "REMOTE_ADDR": "203.0.113.7"}
    ApiClient().call("post", LOGIN, {**body, "password": "wrong"}, **browser)
    ApiClient().call("post", LOGIN, {**body, "code": "00000000"}, **browser)
    ApiClient().call("post", LOGIN, body, expect=200, **browser)
    rows = LoginAttempt.objects.order_by("id")
    assert [(row.outcome, row.user) for row in rows] == [
        ("WRONG_CREDENTIALS", None),
        ("WRONG_CODE", staff),
        ("SUCCEEDED", staff),
    ]
    assert {(row.channel, row.username, row.remote_address, row.user_agent) for row in rows} == {
        ("API", "staff@example.com", "203.0.113.7", "curl/8")
    }
