"""Each role × each view, action and operation: only the cells of docs/permissions.md."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.domain.permissions import ROLE_PERMISSIONS
from accounts.domain.states import Role, Scope
from accounts.models import User
from csms.console.urls import PAGES
from csms.permission_matrix import (
    NO,
    VERBS,
    YES,
    Operation,
    action_rows,
    as_markdown,
    object_rows,
    operation_rows,
    operations,
    parse_markdown,
)
from tests.api.client import ApiClient
from tests.console.conftest import signed_in_client
from tests.console.test_sign_in import all_admin_patterns
from tests.support.factories import (
    make_api_key,
    make_driver,
    make_operator,
    make_staff,
    make_superadmin,
)

pytestmark = pytest.mark.django_db
DOCUMENT = settings.BASE_DIR / "docs" / "permissions.md"
NOWHERE = {
    "int": "999999",
    "key": "999999",
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "identity": "NO-SUCH-STATION",
    "str": "13.7",
}
People = dict[Role, User]


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, dict[str, str]]]:
    return parse_markdown(DOCUMENT.read_text())


@pytest.fixture
def people(db: None) -> People:
    return {
        Role.DRIVER: make_driver("driver@example.com"),
        Role.STAFF: make_staff("staff@example.com", operators=[make_operator("ours")]),
        Role.SUPERADMIN: make_superadmin("root@example.com"),
    }


def inside(people: People) -> dict[Role, Client]:
    return {role: signed_in_client(people[role]) for role in (Role.STAFF, Role.SUPERADMIN)}


def test_T49_the_document_is_what_the_code_declares() -> None:
    assert DOCUMENT.read_text() == as_markdown(), "run: manage.py permission_matrix --write"


def test_T49_every_permission_that_is_asked_for_is_in_the_table() -> None:
    known = set().union(*ROLE_PERMISSIONS.values())
    asked = {permission for *_page, permission in PAGES if permission is not None}
    asked |= {each.access.staff for each in operations() if each.access.staff is not None}
    for name, cells in object_rows():
        application, model = name.split(".")
        asked |= {
            f"{application}.{verb}_{model}"
            for verb, cell in zip(VERBS, cells, strict=True)
            if cell != NO
        }
    assert asked - known == set()


def test_T49_lists_and_forms_open_to_the_documented_roles(
    people: People, documented: dict[str, dict[str, dict[str, str]]]
) -> None:
    table = documented["Lists and forms of the console"]
    assert set(table) == {model._meta.label_lower for model in admin.site._registry}
    for role, client in inside(people).items():
        for model in admin.site._registry:
            prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            # Nobody's row: who may look for it hears that it is not there, others hear no.
            row = [NOWHERE["uuid" if "UUID" in type(model._meta.pk).__name__ else "int"]]
            asked: dict[str, list[Any]] = {
                "view": [
                    client.get(reverse(f"{prefix}_changelist")),
                    client.get(reverse(f"{prefix}_change", args=row)),
                ],
                "add": [
                    client.get(reverse(f"{prefix}_add")),
                    client.post(reverse(f"{prefix}_add"), {}),
                ],
                "change": [client.post(reverse(f"{prefix}_change", args=row), {})],
                "delete": [
                    client.get(reverse(f"{prefix}_delete", args=row)),
                    client.post(reverse(f"{prefix}_delete", args=row), {"post": "yes"}),
                ],
            }
            cells = table[model._meta.label_lower]
            # The page of a session is another, where nothing can be changed.
            leads_away = model._meta.label_lower == "transactions.session"
            for verb, answers in asked.items():
                may = role.value in cells[verb].split(", ")
                refusals = (403, 404) if verb == "change" and leads_away else (403,)
                for answer in answers:
                    assert answer.status_code in ((200, 404) if may else refusals), (
                        role,
                        model,
                        verb,
                        answer.status_code,
                    )


def test_T49_actions_run_for_the_documented_roles(
    people: People, documented: dict[str, dict[str, dict[str, str]]]
) -> None:
    table = documented["Actions of the console"]
    assert set(table) == {name for name, _cells in action_rows()}
    models = {model._meta.label_lower: model for model in admin.site._registry}
    for role, client in inside(people).items():
        for name, cells in table.items():
            label, kind, action = name.split(" ")
            may = cells[role.value] == YES
            if kind == "list":
                request = RequestFactory().get("/")
                request.user = people[role]
                offered = admin.site._registry[models[label]].get_actions(request)
                assert (action in offered) is may, (role, name)
                continue
            url = reverse(f"admin:{action}", args=[_nobodys(models[label])])
            for answer in (client.get(url), client.post(url)):
                # `open_console` only leads to a page, which decides for itself.
                expected = (404, 302) if action.endswith("_open_console") else (404,)
                assert answer.status_code in (expected if may else (403,)), (role, name)


def _nobodys(model: Any) -> str:
    return NOWHERE["uuid" if "UUID" in type(model._meta.pk).__name__ else "int"]


def test_T49_pages_open_for_the_documented_roles(
    people: People, documented: dict[str, dict[str, dict[str, str]]]
) -> None:
    table = documented["Pages of the console"]
    assert set(table) == {name for _route, _view, name, _permission in PAGES}
    for role, client in inside(people).items():
        for route, _view, name, _permission in PAGES:
            path = "/admin/" + _filled(route)
            for answer in (client.get(path), client.post(path, {"command": "reset"})):
                refused_by_page = name.startswith("passkey_add")  # it asks for a code first
                if table[name][role.value] == YES:
                    assert answer.status_code != 403 or refused_by_page, (role, name)
                else:
                    assert answer.status_code == 403, (role, name)
            if name == "console_security_end_others":
                client = signed_in_client(people[role])


def test_T49_a_driver_opens_nothing_of_the_console(people: People) -> None:
    """Also with a session and a second factor, as somebody has who was staff once."""
    user = people[Role.DRIVER]
    User.objects.filter(pk=user.pk).update(role=Role.STAFF)
    user.refresh_from_db()
    user.operators.add(make_operator())
    from accounts.models import Authenticator

    Authenticator.objects.create(user=user, name="test", confirmed=True)
    client = signed_in_client(user)
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=user.pk).update(role=Role.DRIVER)
    for path in all_admin_patterns():
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 302, path
            assert answer["Location"].startswith("/admin/login/"), path


def test_T49_operations_answer_the_documented_callers(
    people: People, documented: dict[str, dict[str, dict[str, str]]]
) -> None:
    table = documented["Operations of the API"]
    assert set(table) == {name for name, _cells in operation_rows()}
    callers: dict[str, Callable[[], ApiClient]] = {
        "anybody": ApiClient,
        "driver": lambda: ApiClient.of(people[Role.DRIVER]),
        "STAFF": lambda: ApiClient.of(people[Role.STAFF]),
        "SUPERADMIN": lambda: ApiClient.of(people[Role.SUPERADMIN]),
    }
    raw_keys = {scope.value: make_api_key((scope.value,))[1] for scope in Scope}
    for operation in operations():
        cells = table[operation.name]
        for name, caller in callers.items():
            assert _is_open(operation, caller()) is (cells[name] == YES), (operation.name, name)
        opening = set() if cells["API key"] == NO else set(cells["API key"].split(", "))
        for scope, raw in raw_keys.items():
            client = ApiClient(HTTP_X_API_KEY=raw)
            assert _is_open(operation, client) is (scope in opening), (operation.name, scope)


def _is_open(operation: Operation, client: ApiClient) -> bool:
    """Whether the caller gets past the door; what they asked for makes no sense.

    An operation that reads credentials out of the body is open where it says that these are wrong:
    the door itself answers `not_authenticated`.
    """
    cache.clear()
    sid = transaction.savepoint()
    answer = client.generic(
        operation.method, _filled(operation.route), b"{}", content_type="application/json"
    )
    transaction.savepoint_rollback(sid)
    assert answer.status_code < 500 or answer.status_code == 503, operation.name
    if answer.status_code == 401:
        return bool(answer.json()["code"] == "token_not_valid")
    return answer.status_code != 403


def _filled(route: str) -> str:
    return re.sub(r"<(\w+):\w+>", lambda found: NOWHERE.get(found[1], "nowhere"), route)
