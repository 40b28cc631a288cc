"""T40: whatever id of somebody else stands in a request, it is as if there were no such row.

Generated from the OpenAPI document: every operation with every caller who has nothing to do with
the rows that it names. An id whose name is not known to `tests.api.operations` fails a test here.
"""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction

from tests.api.client import ApiClient
from tests.api.operations import (
    BODY_IDS,
    NO_ROWS,
    OPERATIONS,
    PATH_IDS,
    Operation,
    Rows,
    body_for,
    body_ids,
    callers,
    is_for_drivers_only,
    is_for_superadmin,
    path_to,
)

pytestmark = pytest.mark.django_db
NAMES = [operation.name for operation in OPERATIONS]
NOT_ROWS_IN_PATHS = {"latitude", "longitude", "connector_id", "evse_id", "provider"}
# What charging costs where everybody may charge is no secret; `transactions.selectors.tariffs` says
# which tariffs those are.
EVERYBODYS = {"tariff_id"}
# What a refusal may be: who are you, not you, no such thing.
REFUSALS = {401, 403, 404}


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "csms.common.api.throttling.WindowThrottle.allow_request", lambda *_arguments: True
    )


@pytest.fixture
def theirs(db: None) -> Rows:
    return Rows("THEIRS")


@pytest.fixture
def own(db: None) -> Rows:
    return Rows("OWN")


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_T40_every_id_has_a_row(operation: Operation) -> None:
    """Whoever adds an operation adds its kinds of ids to `tests.api.operations`."""
    for name in operation.path_ids:
        assert name in PATH_IDS or f"{operation.path} {name}" in PATH_IDS, name
    for name in body_ids(operation):
        assert name in BODY_IDS, f"{name}: a row (BODY_IDS) or not (NO_ROWS)?"
    assert not set(BODY_IDS) & NO_ROWS


def names_rows(operation: Operation) -> bool:
    return bool(set(operation.path_ids) - NOT_ROWS_IN_PATHS)


def refusal_of(operation: Operation, who: str, way: str) -> set[int]:
    """The statuses that say nothing of the row."""
    if not way:
        return {401}
    if not operation.takes(way) and not (operation.is_public and way == "bearerAuth"):
        return {403}
    # A driver is a person like staff to the document; which of both may call, the row decides.
    return {403, 404} if who == "another driver" else {404}


def state() -> dict[str, list[Any]]:
    """Every row of the apps, but for what only notes that somebody called."""
    noted = {"AuditEntry", "SignIn", "ApiKey", "IdempotencyRecord", "IdempotencyKey"}
    return {
        model.__name__: sorted(map(repr, model._default_manager.values_list()))
        for name in ("accounts", "chargepoints", "transactions", "payments", "ocpp_gateway")
        for model in apps.get_app_config(name).get_models()
        if model.__name__ not in noted
    }


@pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if names_rows(o)], ids=lambda operation: operation.name
)
def test_T40_a_foreign_row_in_a_path_is_not_there(
    operation: Operation, theirs: Rows, own: Rows
) -> None:
    path, body = path_to(operation, theirs), body_for(operation, own)
    everybody = list(callers(own))
    before = state()
    answers: dict[str, int] = {}
    expected: dict[str, set[int]] = {}
    for who, way, client in everybody:
        response = client.call(operation.method, path, body)
        answers[who] = response.status_code
        expected[who] = refusal_of(operation, who, way)
        if way == "bearerAuth" and is_for_drivers_only(operation, own):
            expected[who] = {404} if who == "another driver" else {403}
        if "staff" in who and is_for_superadmin(operation, own):
            expected[who] = {403}
        if who == "another driver" and is_for_superadmin(operation, own):
            expected[who] = {403, 404}
        if operation.is_public and who in ("anonymous", "another driver"):
            # Public stations, but the public knows no identities: see T37.
            expected[who] = {200} if set(operation.path_ids) <= EVERYBODYS else {404}
        if response.status_code == 404:
            made_up = re.sub("THEIRS", "NOBODYS", path)
            if made_up != path:
                nothing = client.call(operation.method, made_up, body)
                assert told(nothing) == told(response), who
    assert all(answers[who] in expected[who] for who in answers), (answers, expected)
    assert state() == before


def told(response: Any) -> tuple[int, dict[str, Any]]:
    """An answer without what differs between any two requests."""
    problem = response.json()
    del problem["request_id"], problem["instance"]
    return response.status_code, problem


IN_BODIES = [(o, name) for o in OPERATIONS for name in body_ids(o)]


@pytest.mark.parametrize(
    ("operation", "name"), IN_BODIES, ids=[f"{o.name} {name}" for o, name in IN_BODIES]
)
def test_T40_a_foreign_row_in_a_body_is_not_there(
    operation: Operation, name: str, theirs: Rows, own: Rows
) -> None:
    """404, or 400 that says of this very field that there is no such thing."""
    path, body = path_to(operation, own), body_for(operation, own, name, theirs)
    everybody = list(callers(own))
    before = state()
    for who, _way, client in everybody:
        with transaction.atomic():
            response = client.call(operation.method, path, body)
            after = state()
            transaction.set_rollback(True)
        if response.status_code == 400:
            assert [e["field"] for e in response.json()["errors"]] == [name], (
                who,
                response.content,
            )
        elif response.status_code not in REFUSALS:
            assert (operation.name, name) in ANSWERS_ABOUT_WHAT_IS_NOT_THERE, (
                who,
                response.status_code,
            )
            assert told_nothing(operation, client, path, body, name, response.content), who
        assert after == before, who


# Questions whose answer is the same for what is foreign and what does not exist.
ANSWERS_ABOUT_WHAT_IS_NOT_THERE = {
    ("post /api/chargepoints/validate-whitelist", "identity"),
    ("post /api/transactions/authorize", "id_token"),
}


def told_nothing(
    operation: Operation, client: ApiClient, path: str, body: Any, name: str, content: bytes
) -> bool:
    nothing = client.call(operation.method, path, {**body, name: "NOBODYS"})
    return bool(nothing.content == content)


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_T40_no_answer_holds_a_foreign_row(operation: Operation, theirs: Rows, own: Rows) -> None:
    """Lists, searches and whatever else names no row: with filters for just that row, too."""
    path, body = path_to(operation, own), body_for(operation, own)
    filters = {"identity": "THEIRS", "operator": "theirs", "site": "THEIRS site", "q": "THEIRS"}
    queries = [""] + [f"?{n}={v}" for n, v in filters.items() if n in operation.query_names]
    for who, _way, client in callers(own):
        for query in queries:
            with transaction.atomic():
                response = client.call(operation.method, path + query, body)
                transaction.set_rollback(True)
            if operation.is_public and who in ("anonymous", "another driver"):
                assert theirs.station.identity not in response.content.decode().replace(
                    "THEIRS name", ""
                ).replace("THEIRS site", ""), who
                continue
            for mark in theirs.marks:
                assert mark not in response.content.decode().replace(query, ""), (who, query)
