"""A driver's cards: linked by a code, blocked, listed."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.domain.link_codes import normal_link_code
from accounts.domain.states import IdTokenStatus
from accounts.models import IdToken, LinkAttempt, Operator, User
from accounts.services import id_tokens
from csms.common import clock
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.api.hostile_fields import every_field_of
from tests.support.factories import (
    make_driver,
    make_id_token,
    make_operator,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def card(operator: Operator) -> IdToken:
    return make_id_token("04AABBCCDD4F2A", operator=operator)


@pytest.fixture
def code(card: IdToken, staff: User) -> str:
    return id_tokens.make_link_code(card, actor=staff)


def test_a_card_is_linked_by_its_code_once(
    as_driver: ApiClient, as_other_driver: ApiClient, driver: User, card: IdToken, code: str
) -> None:
    typed = code.lower().replace("-", " ")
    linked = as_driver.json("post", "/api/id-tokens/link", {"code": typed}, expect=201)
    assert linked["masked_token"] == "…4F2A"
    assert b"04AABB" not in as_driver.call("get", "/api/id-tokens", expect=200).content
    card.refresh_from_db()
    assert (card.user, card.link_code_digest) == (driver, None)
    for client in (as_other_driver, as_driver):
        problem = client.json("post", "/api/id-tokens/link", {"code": code}, expect=400)
        assert problem["code"] == "code_not_valid"
    assert as_other_driver.json("get", "/api/id-tokens")["count"] == 0


def test_only_a_hash_of_the_code_is_stored(card: IdToken, code: str) -> None:
    card.refresh_from_db()
    stored = str(IdToken.objects.values().get(pk=card.pk))
    assert code not in stored
    assert normal_link_code(code) not in stored


def test_a_new_code_voids_the_old_one(
    as_driver: ApiClient, card: IdToken, code: str, staff: User
) -> None:
    new = id_tokens.make_link_code(card, actor=staff)
    as_driver.call("post", "/api/id-tokens/link", {"code": code}, expect=400)
    as_driver.call("post", "/api/id-tokens/link", {"code": new}, expect=201)


def test_a_blocked_card_answers_as_an_unknown_one(
    as_driver: ApiClient, card: IdToken, code: str
) -> None:
    IdToken.objects.update(status=IdTokenStatus.BLOCKED)
    blocked = as_driver.json("post", "/api/id-tokens/link", {"code": code}, expect=400)
    unknown = as_driver.json("post", "/api/id-tokens/link", {"code": "0" * 12}, expect=400)
    nonsense = as_driver.json("post", "/api/id-tokens/link", {"code": "?"}, expect=400)
    for problem in (blocked, unknown, nonsense):
        problem.pop("request_id")
    assert blocked == unknown == nonsense


def test_five_wrong_codes_are_enough_for_a_quarter_of_an_hour(
    as_driver: ApiClient, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(5):
        as_driver.call("post", "/api/id-tokens/link", {"code": "0" * 12}, expect=400)
    refused = as_driver.call("post", "/api/id-tokens/link", {"code": code}, expect=429)
    assert 890 <= int(refused["Retry-After"]) <= 900
    assert LinkAttempt.objects.count() == 5
    LinkAttempt.objects.update(at=clock.now() - timedelta(minutes=15, seconds=1))
    as_driver.call("post", "/api/id-tokens/link", {"code": code}, expect=201)


def test_twenty_wrong_codes_a_day_and_an_address(as_driver: ApiClient, driver: User) -> None:
    now = clock.now()
    LinkAttempt.objects.bulk_create(
        LinkAttempt(user=driver, address="203.0.113.7", at=now - timedelta(hours=2))
        for _number in range(20)
    )
    as_driver.call("post", "/api/id-tokens/link", {"code": "0" * 12}, expect=429)
    LinkAttempt.objects.update(at=now - timedelta(hours=25))
    as_driver.call("post", "/api/id-tokens/link", {"code": "0" * 12}, expect=400)
    LinkAttempt.objects.all().delete()
    LinkAttempt.objects.bulk_create(
        LinkAttempt(user=make_driver(), address="127.0.0.1", at=now) for _number in range(20)
    )
    as_driver.call("post", "/api/id-tokens/link", {"code": "0" * 12}, expect=429)
    elsewhere = {"REMOTE_ADDR": "198.51.100.9"}
    as_driver.call("post", "/api/id-tokens/link", {"code": "0" * 12}, expect=400, **elsewhere)


def test_a_driver_blocks_the_own_card_and_no_other(
    as_driver: ApiClient, as_other_driver: ApiClient, driver: User
) -> None:
    mine = make_id_token("MINE0001", user=driver)
    path = f"/api/id-tokens/{mine.pk}/block"
    as_other_driver.call("post", path, expect=404)
    mine.refresh_from_db()
    assert mine.status == "ACCEPTED"
    for _again in range(2):
        assert as_driver.json("post", path, expect=200)["status"] == "BLOCKED"
    assert AuditEntry.objects.filter(action="id_token.block").count() == 1
    as_driver.call("post", "/api/id-tokens/999999999999999999/block", expect=404)
    as_driver.call("post", "/api/id-tokens/99999999999999999999999/block", expect=404)


def test_linking_takes_no_other_fields(
    as_driver: ApiClient, driver: User, card: IdToken, code: str
) -> None:
    """T41"""
    other = make_driver()
    hostile = {**every_field_of(IdToken), "user": other.pk, "user_id": other.pk, "token": "X"}
    as_driver.call("post", "/api/id-tokens/link", {**hostile, "code": code}, expect=201)
    after = IdToken.objects.get(pk=card.pk)
    assert (after.user, after.token, after.operator_id) == (driver, card.token, card.operator_id)
    assert (after.status, after.expires_at, after.group) == ("ACCEPTED", None, "")


def test_a_list_of_cards_costs_the_same_however_long(
    as_driver: ApiClient, driver: User, django_assert_num_queries: Any
) -> None:
    for _number in range(8):
        make_id_token(user=driver, operator=make_operator())
    with django_assert_num_queries(3):
        as_driver.call("get", "/api/id-tokens", expect=200)
