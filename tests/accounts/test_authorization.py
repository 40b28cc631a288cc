from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.domain.states import Authorization
from accounts.services.authorization import authorize
from tests.support.factories import make_driver, make_id_token, make_operator

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_a_known_token_is_accepted_in_any_case_in_one_query(
    django_assert_num_queries: Any,
) -> None:
    token = make_id_token(
        "Card-AB12", group="fleet", expires_at=NOW + timedelta(days=1), user=make_driver()
    )
    with django_assert_num_queries(1):
        result = authorize("cARD-aB12", operator_id=1, at=NOW)
        assert result.id_token is not None
        assert result.id_token.user is not None
    assert (result.status, result.group) == (Authorization.ACCEPTED, "fleet")
    assert (result.id_token, result.expires_at) == (token, token.expires_at)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Authorization.ACCEPTED),
        ({"status": "BLOCKED"}, Authorization.BLOCKED),
        ({"expires_at": NOW}, Authorization.EXPIRED),
        ({"status": "BLOCKED", "expires_at": NOW}, Authorization.BLOCKED),
    ],
)
def test_the_token_says_what_it_is_worth(fields: dict[str, Any], expected: Authorization) -> None:
    make_id_token("CARD", **fields)
    assert authorize("card", operator_id=1, at=NOW).status == expected


def test_a_driver_who_is_locked_out_blocks_the_token() -> None:
    make_id_token("CARD", user=make_driver(is_active=False))
    assert authorize("CARD", operator_id=1, at=NOW).status == Authorization.BLOCKED


@pytest.mark.parametrize("unknown", ["", "OTHER", "CARD\x00", "C" * 256, "' OR 1=1 --", "CARD%"])
def test_what_is_not_known_is_invalid(unknown: str) -> None:
    make_id_token("CARD")
    result = authorize(unknown, operator_id=1, at=NOW)
    assert (result.status, result.id_token) == (Authorization.INVALID, None)


def test_a_token_of_one_operator_is_unknown_to_another() -> None:
    own, other = make_operator(), make_operator()
    make_id_token("CARD", operator=own)
    assert authorize("CARD", operator_id=own.pk, at=NOW).status == Authorization.ACCEPTED
    result = authorize("CARD", operator_id=other.pk, at=NOW)
    assert (result.status, result.id_token) == (Authorization.INVALID, None)
