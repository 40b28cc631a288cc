"""Roles and callers × everything that the console and the API offer, as tables for people.

The tables say what the code declares: the models' permissions, the actions', the pages' and the
operations' `Access`. Whether the program keeps to them is shown by requests, in the tests.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.domain.permissions import ROLE_PERMISSIONS
from accounts.domain.states import Role, Scope
from accounts.models import User
from csms.common.api.permissions import Access
from csms.console.urls import PAGES

STAFF_ROLES = (Role.STAFF, Role.SUPERADMIN)
CALLERS = ("anybody", "driver", "STAFF", "SUPERADMIN", "API key")
VERBS = ("view", "add", "change", "delete")
YES, NO = "yes", "–"


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    route: str
    access: Access
    looks_at_credentials: bool

    def opens_to_scope(self, scope: str) -> bool:
        if not self.looks_at_credentials:
            return self.access.public
        return self.access.allows(SimpleNamespace(scopes=[scope]))

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"


def object_rows() -> Iterator[tuple[str, list[str]]]:
    """A model -> who may view, add, change, delete its rows in the console."""
    for model, model_admin in sorted(
        admin.site._registry.items(), key=lambda item: item[0]._meta.label_lower
    ):
        yield model._meta.label_lower, [_who(model_admin, verb) for verb in VERBS]


def action_rows() -> Iterator[tuple[str, list[str]]]:
    """An action of a list or a form -> STAFF, SUPERADMIN."""
    for model, model_admin in sorted(
        admin.site._registry.items(), key=lambda item: item[0]._meta.label_lower
    ):
        for kind, name, function in _actions(model_admin):
            needed = getattr(function, "allowed_permissions", ())
            cells = [
                _cell(
                    model_admin.has_view_permission(_request(role))
                    and all(_holds(model_admin, role, each) for each in needed)
                )
                for role in STAFF_ROLES
            ]
            yield f"{model._meta.label_lower} {kind} {name}", cells


def page_rows() -> Iterator[tuple[str, list[str]]]:
    """A page of the console's own -> STAFF, SUPERADMIN."""
    for _route, _view, name, permission in PAGES:
        yield (
            name,
            [
                _cell(permission is None or User(role=role.value).has_perm(permission))
                for role in STAFF_ROLES
            ],
        )


def permission_rows() -> Iterator[tuple[str, list[str]]]:
    """A permission -> the roles that hold it."""
    everything = set().union(*ROLE_PERMISSIONS.values())
    for permission in sorted(everything):
        yield permission, [_cell(permission in held) for held in ROLE_PERMISSIONS.values()]


def operation_rows() -> Iterator[tuple[str, list[str]]]:
    """An operation of the API -> each kind of caller; for keys the scope that opens it."""
    for operation in sorted(operations(), key=lambda each: (each.route, each.method)):
        access = operation.access
        cells = [_cell(access.public), _cell(access.allows(_person(Role.DRIVER)))]
        cells += [_cell(access.allows(_person(role))) for role in STAFF_ROLES]
        opening = [scope.value for scope in Scope if operation.opens_to_scope(scope.value)]
        yield operation.name, [*cells, ", ".join(opening) or NO]


def operations() -> Iterator[Operation]:
    """Everything with an `access` table that a URL leads to."""
    for route, callback in _routes(get_resolver().url_patterns, "/"):
        for method, access in getattr(callback, "access", {}).items():
            yield Operation(method, route, access, bool(callback.authentication_classes))


def as_markdown() -> str:
    sections: list[tuple[str, str, Iterable[str], Iterator[tuple[str, list[str]]]]] = [
        (
            "Permissions",
            "`accounts/domain/permissions.py`. Everybody is held to their operators' rows besides.",
            [role.value for role in ROLE_PERMISSIONS],
            permission_rows(),
        ),
        (
            "Lists and forms of the console",
            "Who sees a kind of row, and who adds, changes and deletes one by hand. Rows that the "
            "program writes are only seen.",
            VERBS,
            object_rows(),
        ),
        (
            "Actions of the console",
            "Buttons on a row's page (`detail`) and on a selection (`list`).",
            [role.value for role in STAFF_ROLES],
            action_rows(),
        ),
        (
            "Pages of the console",
            "Beyond lists and forms. Signing in and set-up links are open to everybody.",
            [role.value for role in STAFF_ROLES],
            page_rows(),
        ),
        (
            "Operations of the API",
            "For API keys: the scope that opens the operation.",
            CALLERS,
            operation_rows(),
        ),
    ]
    text = (
        "# Who may do what\n\nMade by `manage.py permission_matrix --write`; a test makes each "
        "request of these tables as each role.\n"
    )
    for title, note, columns, rows in sections:
        text += f"\n## {title}\n\n{note}\n\n| | {' | '.join(columns)} |\n"
        text += "|---" * (len(list(columns)) + 1) + "|\n"
        for name, cells in rows:
            text += f"| `{name}` | {' | '.join(cells)} |\n"
    return text


def parse_markdown(text: str) -> dict[str, dict[str, dict[str, str]]]:
    """Section -> row -> column -> cell, from what `as_markdown` has made."""
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for section in text.split("\n## ")[1:]:
        title, _newline, body = section.partition("\n")
        lines = [line for line in body.splitlines() if line.startswith("|")]
        columns = [cell.strip() for cell in lines[0].strip("|").split("|")][1:]
        tables[title] = {}
        for line in lines[2:]:
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            tables[title][name.strip("`")] = dict(zip(columns, cells, strict=True))
    return tables


def _who(model_admin: Any, verb: str) -> str:
    check = getattr(model_admin, f"has_{verb}_permission")
    may = [role.value for role in STAFF_ROLES if check(_request(role))]
    return ", ".join(may) or NO


def _actions(model_admin: Any) -> Iterator[tuple[str, str, Any]]:
    for kind, found in (
        ("list", model_admin._get_base_actions()),
        ("detail", [(each.method, each.action_name) for each in _detail_actions(model_admin)]),
    ):
        for function, name, *_description in found:
            if name != "delete_selected":
                yield kind, name, function


def _detail_actions(model_admin: Any) -> list[Any]:
    return list(model_admin._get_base_actions_detail())


def _holds(model_admin: Any, role: Role, permission: str) -> bool:
    """What unfold asks before it runs an action."""
    if "." in permission:
        return User(role=role.value).has_perm(permission)
    return bool(getattr(model_admin, f"has_{permission}_permission")(_request(role)))


def _request(role: Role) -> Any:
    return SimpleNamespace(user=User(role=role.value), method="GET")


def _person(role: Role) -> Any:
    return User(role=role.value)


def _routes(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, getattr(pattern.callback, "cls", None)


def _cell(is_allowed: bool) -> str:
    return YES if is_allowed else NO
