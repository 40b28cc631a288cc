"""Every refusal is a problem document, in the caller's language, with nothing of our insides."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError

from accounts.models import User
from chargepoints.models import Command
from tests.api.client import ApiClient
from tests.support.factories import make_session, make_station, make_superadmin

pytestmark = pytest.mark.django_db
PROBLEM = {"type", "title", "status", "detail", "instance", "code", "errors", "request_id"}


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) == PROBLEM
    assert body["status"] == status
    assert body["request_id"] == response["X-Request-Id"]
    return body


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nope", "/api/chargepoints/a/b/c", "/connections/a/b"]
)
def test_unknown_routes(anonymous: ApiClient, path: str) -> None:
    body = problem(anonymous.get(path), 404)
    assert (body["code"], body["instance"]) == ("not_found", path)


def test_methods_that_are_not_offered(anonymous: ApiClient) -> None:
    response = anonymous.delete("/api/chargepoints/")
    assert problem(response, 405)["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, HEAD"
    problem(anonymous.options("/api/chargepoints/"), 405)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[1]", 400),
        (b'"text"', 400),
        (b"null", 400),
        (b'{"email": NaN}', 400),
        (b'{"email": "\xff"}', 400),
        (b'{"email": "\\ud800"}', 400),
        (b'{"email": 1e400}', 400),
        (b"[" * 300 + b"]" * 300, 400),
        (b"[" * 5000 + b"]" * 5000, 400),
        (b'{"a": "' + b"x" * 1_000_001 + b'"}', 413),
    ],
)
def test_bodies_that_are_no_usable_json(anonymous: ApiClient, body: bytes, status: int) -> None:
    response = anonymous.post("/api/admin/auth/login", body, content_type="application/json")
    problem(response, status)


@pytest.mark.parametrize("body", [b"null", b"[]", b"0", b'""', b"false"])
def test_a_body_that_may_be_left_out_is_an_object_where_it_is_not(
    as_driver: ApiClient, driver: User, body: bytes
) -> None:
    session = make_session(driver)
    for path in (f"/api/transactions/ocpp/{session.pk}/stop", "/api/auth/logout"):
        problem(as_driver.post(path, body, content_type="application/json"), 400)
    assert as_driver.get("/api/profile").status_code == 200  # still signed in
    assert not Command.objects.exists()


def test_other_media_types(anonymous: ApiClient) -> None:
    response = anonymous.post("/api/admin/auth/login", "a=b", content_type="text/plain")
    assert problem(response, 415)["code"] == "unsupported_media_type"
    assert anonymous.get("/api/chargepoints/", HTTP_ACCEPT="image/png").status_code == 200


def test_thai_and_english(anonymous: ApiClient) -> None:
    english = problem(anonymous.get("/api/chargepoints/?status=x"), 400)
    thai = problem(anonymous.get("/api/chargepoints/?status=x", HTTP_ACCEPT_LANGUAGE="th"), 400)
    assert english["code"] == thai["code"] == "invalid"
    assert english["errors"][0]["code"] == thai["errors"][0]["code"]
    assert any("\u0e00" <= sign <= "\u0e7f" for sign in thai["errors"][0]["detail"])


def test_a_fault_of_ours_tells_nothing() -> None:
    client = ApiClient()
    client.raise_request_exception = False
    with patch("chargepoints.api.views.get_visible", side_effect=RuntimeError("secret-42")):
        response = client.get("/api/chargepoints/CP1")
    body = problem(response, 500)
    assert body["code"] == "server_error"
    assert b"secret-42" not in response.content
    assert b"Traceback" not in response.content


def test_a_database_that_is_away_is_a_503(anonymous: ApiClient) -> None:
    with patch("chargepoints.api.views.get_visible", side_effect=OperationalError("gone")):
        response = anonymous.get("/api/chargepoints/CP1")
    problem(response, 503)
    assert response["Retry-After"] == "5"


def test_a_long_request_id_is_replaced(anonymous: ApiClient) -> None:
    response = anonymous.get("/api/nope", HTTP_X_REQUEST_ID="a\nb" * 100)
    assert "\n" not in problem(response, 404)["request_id"]
    assert problem(anonymous.get("/api/nope", HTTP_X_REQUEST_ID="abc-1"), 404)["request_id"] == (
        "abc-1"
    )


def test_identities_with_odd_signs(anonymous: ApiClient) -> None:
    make_station("a b|c")
    admin = ApiClient.of(make_superadmin())
    assert admin.json("get", "/api/chargepoints/a%20b%7Cc", expect=200)["identity"] == "a b|c"
    for path in ("%00", "%2F", "a%0Ab", "%E0%B8%81", "%FF", "x" * 300):
        assert anonymous.get(f"/api/chargepoints/{path}").status_code == 404
