from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import ApiKey
from accounts.selectors.scope import (
    Caller,
    OperatorScope,
    is_staff_like,
    operators_of,
    within_scope,
)
from accounts.services import keys
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import InvalidInput
from csms.common.models import AuditEntry
from tests.support.factories import make_driver, make_operator, make_staff, make_superadmin

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_kept_as_a_hash() -> None:
    key, raw = keys.create_api_key("partner", ["read", "gateway", "read"])
    assert raw.startswith(f"csms_{key.prefix}_")
    secret = raw.split("_", 2)[2]
    assert len(secret) == 43, "256 bits"
    stored = ApiKey.objects.values().get()
    assert secret not in str(stored)
    assert stored["scopes"] == ["read", "gateway"]
    found = keys.verify(raw)
    assert found == key
    assert secret not in str(AuditEntry.objects.get(action="api_key.create").changes)


def test_other_keys_open_nothing() -> None:
    key, raw = keys.create_api_key("partner", ["read"])
    wrong = [
        "",
        raw[:-1],
        raw + "A",
        raw.upper(),
        raw[:-1] + ("A" if raw[-1] != "A" else "B"),
        raw.replace(key.prefix, "0" * 10),
        "csms_\x00",
        "é" * 59,
    ]
    assert [keys.verify(text) for text in wrong] == [None] * len(wrong)


def test_a_key_ends() -> None:
    operator = make_operator()
    expired, expired_raw = keys.create_api_key(
        "a", ["read"], expires_at=clock.now() + timedelta(days=1)
    )
    assert keys.verify(expired_raw)
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=clock.now())
    assert keys.verify(expired_raw) is None

    revoked, revoked_raw = keys.create_api_key("b", ["read"])
    keys.revoke(revoked, actor=SystemActor("test"))
    keys.revoke(revoked, actor=SystemActor("test"))
    assert keys.verify(revoked_raw) is None
    assert AuditEntry.objects.filter(action="api_key.revoke").count() == 1

    _key, operators_raw = keys.create_api_key("c", ["read"], operator)
    assert keys.verify(operators_raw)
    operator.is_active = False
    operator.save()
    assert keys.verify(operators_raw) is None


def test_use_is_noted_at_most_once_a_minute(django_assert_num_queries: Any) -> None:
    key, raw = keys.create_api_key("partner", ["read"])
    with django_assert_num_queries(2):
        keys.verify(raw)
    with django_assert_num_queries(1):
        keys.verify(raw)
    ApiKey.objects.update(last_used_at=clock.now() - timedelta(minutes=2))
    with django_assert_num_queries(2):
        keys.verify(raw)
    key.refresh_from_db()
    assert key.last_used_at is not None


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "root"]}, "scopes"),
        ({"name": " "}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"expires_at": clock.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_keys_that_make_no_sense_are_refused(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        keys.create_api_key(**{"name": "n", "scopes": ["read"], **arguments})
    assert refusal.value.errors[0].field == field


def test_scope_of_every_caller() -> None:
    own, other = make_operator(), make_operator()
    expectations: list[tuple[Caller, OperatorScope, bool]] = [
        (make_superadmin(), "all", True),
        (make_superadmin(is_active=False), set(), False),
        (make_staff(operators=[own, other]), {own.pk, other.pk}, True),
        (make_staff(operators=[own], is_active=False), set(), False),
        (make_driver(), set(), False),
        (AnonymousUser(), set(), False),
        (keys.create_api_key("a", ["read"])[0], "all", True),
        (keys.create_api_key("b", ["read"], own)[0], {own.pk}, True),
    ]
    for caller, scope, is_staff in expectations:
        assert operators_of(caller) == scope
        assert is_staff_like(caller) is is_staff
        assert bool(within_scope(caller, "operator")) is (scope != "all")
