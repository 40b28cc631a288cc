"""Payments before there are any: everything is checked, cards are one's own, money is refused."""

from typing import Any, NoReturn
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from csms.common.errors import Conflict
from csms.common.idempotency import caller_key
from csms.common.models import IdempotencyRecord
from payments.models import PaymentMethod
from tests.api.client import ApiClient
from tests.support.factories import make_driver, make_payment_method, make_session
from transactions.models import Session

pytestmark = pytest.mark.django_db
TOKEN = {"token": "tokn_test_5fzbq8a7lkz3k4t1x2y"}
# T58, and what a JSON parser might let through.
BAD_AMOUNTS = [
    "-1.00",
    -1,
    "0",
    0,
    "0.00",
    1e18,
    "1e18",
    "0.001",
    0.001,
    "NaN",
    "Infinity",
    "",
    "x",
]


@pytest.fixture
def driver(db: None) -> User:
    return make_driver()


@pytest.fixture
def client(driver: User) -> ApiClient:
    return ApiClient.of(driver)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/payment/cards", TOKEN),
        ("post", "/api/wallet/top-ups", {"amount": "500.00", "method": "PROMPTPAY"}),
        ("get", "/api/payment/history", None),
        ("get", "/api/wallet", None),
        ("get", "/api/promo-codes", None),
    ],
)
def test_what_needs_payments_is_refused_clearly(
    method: str, path: str, body: Any, client: ApiClient
) -> None:
    problem = client.json(method, path, body, expect=409)
    assert problem["code"] == "payments_not_available"
    assert "Nothing was charged" in problem["detail"]
    thai = client.json(method, path, body, expect=409, HTTP_ACCEPT_LANGUAGE="th")
    assert "ยังไม่มีการเรียกเก็บเงิน" in thai["detail"]
    ApiClient().call(method, path, body, expect=401)
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_amounts_that_are_none(client: ApiClient, driver: User, amount: Any) -> None:
    session = make_session(driver)
    top_up = {"amount": amount, "method": "PROMPTPAY"}
    problem = client.json("post", "/api/wallet/top-ups", top_up, expect=400)
    assert [error["field"] for error in problem["errors"]] == ["amount"]
    pay = {"session_id": str(session.public_id), "method": "PROMPTPAY", "amount": amount}
    problem = client.json("post", "/api/payment/process", pay, expect=400)
    assert [error["field"] for error in problem["errors"]] == ["amount"]


@pytest.mark.parametrize("path", ["/api/wallet/top-ups", "/api/payment/process"])
def test_a_bare_nan_is_no_json(client: ApiClient, path: str) -> None:
    answer = client.generic(
        "POST", path, b'{"amount": NaN, "method": "PROMPTPAY"}', "application/json"
    )
    assert answer.status_code == 400


def test_a_payment_is_checked_before_it_is_refused(client: ApiClient, driver: User) -> None:
    session = make_session(driver)

    def pay(expect: int, **changes: Any) -> str:
        body = {"session_id": str(session.public_id), "method": "PROMPTPAY", **changes}
        return str(client.json("post", "/api/payment/process", body, expect=expect)["code"])

    assert pay(409) == "payments_not_available"
    assert pay(409, amount="75.00") == "payments_not_available"
    assert pay(409, amount="1.00") == "amount_differs"
    assert pay(404, session_id=str(uuid4())) == "not_found"
    assert pay(404, session_id=str(make_session(make_driver()).public_id)) == "not_found"
    assert pay(404, method="CARD", card_id=str(uuid4())) == "not_found"
    theirs = make_payment_method(make_driver())
    assert pay(404, method="CARD", card_id=str(theirs.pk)) == "not_found"
    mine = make_payment_method(driver)
    assert pay(409, method="CARD", card_id=str(mine.pk)) == "payments_not_available"
    assert pay(400, method="CASH") == "invalid"
    assert pay(400, method="MOBILE_BANKING") == "invalid"
    assert pay(400, bank="SCB") == "invalid"
    assert pay(409, method="MOBILE_BANKING", bank="SCB") == "payments_not_available"
    Session.objects.filter(pk=session.pk).update(is_held=True)
    assert pay(409) == "session_not_priced"


def test_price_and_currency_are_the_servers(client: ApiClient, driver: User) -> None:
    """T41, T56"""
    session = make_session(driver)
    before = Session.objects.values().get(pk=session.pk)
    hostile = {"price": "0.01", "currency": "JPY", "tariff": 1, "status": "PAID", "coupon": "FREE"}
    body = {"session_id": str(session.public_id), "method": "PROMPTPAY", **hostile}
    client.call("post", "/api/payment/process", body, expect=409)
    assert Session.objects.values().get(pk=session.pk) == before
    top_up = {"amount": "500.00", "method": "PROMPTPAY", "currency": "USD", "balance": "1000"}
    client.call("post", "/api/wallet/top-ups", top_up, expect=400)


def test_a_refusal_frees_its_idempotency_key(client: ApiClient) -> None:
    for token in (TOKEN, {"token": "tokn_test_another1234567"}):
        client.call("post", "/api/payment/cards", token, expect=409, HTTP_IDEMPOTENCY_KEY="k-1")
    client.call("post", "/api/payment/cards", TOKEN, expect=400, HTTP_IDEMPOTENCY_KEY="k" * 300)
    assert not IdempotencyRecord.objects.exists()


def test_a_key_is_claimed_in_the_name_that_closing_the_account_erases(
    client: ApiClient, driver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers: list[str] = []

    def refuse() -> NoReturn:
        callers.extend(IdempotencyRecord.objects.values_list("caller", flat=True))
        raise Conflict

    monkeypatch.setattr("payments.services.refusals.refuse", refuse)
    client.call("post", "/api/payment/cards", TOKEN, expect=409, HTTP_IDEMPOTENCY_KEY="k-1")
    assert callers == [caller_key(driver)]


@pytest.mark.parametrize(
    "token", ["4242424242424242", "card_test_x", "tokn_", "tokn_test_\n12345678"]
)
def test_a_card_number_is_never_taken(client: ApiClient, token: str) -> None:
    problem = client.json("post", "/api/payment/cards", {"token": token}, expect=400)
    assert [error["field"] for error in problem["errors"]] == ["token"]
    assert token not in str(problem)


# --- Cards that are there -----------------------------------------------------------------------
def test_cards_show_no_more_than_brand_and_last_digits(client: ApiClient, driver: User) -> None:
    make_payment_method(driver, provider_reference="card_test_secret_ref")
    make_payment_method(make_driver())
    answer = client.call("get", "/api/payment/cards", expect=200)
    assert b"card_test" not in answer.content
    assert [card["last_digits"] for card in answer.json()["results"]] == ["4242"]


def test_one_card_is_the_default(client: ApiClient, driver: User) -> None:
    first = make_payment_method(driver, is_default=True)
    second = make_payment_method(driver)
    for _again in range(2):
        client.call("put", f"/api/payment/cards/{second.pk}/default", expect=200)
    assert PaymentMethod.objects.get(is_default=True) == second
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentMethod.objects.filter(pk=first.pk).update(is_default=True)
    client.call("delete", f"/api/payment/cards/{second.pk}", expect=204)
    assert not PaymentMethod.objects.filter(is_default=True).exists()
    client.call("delete", f"/api/payment/cards/{second.pk}", expect=404)
    client.call("put", f"/api/payment/cards/{second.pk}/default", expect=404)
    assert client.json("get", "/api/payment/cards")["count"] == 1


def test_anothers_card_is_not_there(client: ApiClient) -> None:
    theirs = make_payment_method(make_driver(), is_default=True)
    client.call("delete", f"/api/payment/cards/{theirs.pk}", expect=404)
    client.call("put", f"/api/payment/cards/{theirs.pk}/default", expect=404)
    theirs.refresh_from_db()
    assert (theirs.is_default, theirs.removed_at) == (True, None)


def test_a_list_of_cards_costs_the_same_however_long(
    client: ApiClient, driver: User, django_assert_num_queries: Any
) -> None:
    for _number in range(8):
        make_payment_method(driver)
    with django_assert_num_queries(3):
        client.call("get", "/api/payment/cards", expect=200)


# --- What others call ---------------------------------------------------------------------------
@pytest.mark.parametrize("body", [{"object": "event", "id": "evnt_1"}, [], "x", None])
def test_a_webhook_that_nobody_set_up_is_not_acknowledged(body: Any) -> None:
    problem = ApiClient().json("post", "/api/payment/omise/webhook", body, expect=503)
    assert problem["code"] == "webhook_not_configured"


def test_webhooks_are_limited_by_address() -> None:
    client = ApiClient()
    for _number in range(50):
        client.call("post", "/api/payment/omise/webhook", {}, expect=503)
    client.call("post", "/api/payment/omise/webhook", {}, expect=429)


def test_the_way_back_from_the_bank_proves_nothing() -> None:
    client = ApiClient()
    client.call("get", "/api/payment/3ds/return", expect=400)
    client.call("get", "/api/payment/3ds/return?payment_id=1", expect=400)
    answer = client.json("get", f"/api/payment/3ds/return?payment_id={uuid4()}", expect=409)
    assert answer["code"] == "payments_not_available"
