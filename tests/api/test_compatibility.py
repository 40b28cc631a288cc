"""Changes of the OpenAPI document: what breaks clients is seen, what is added is let through."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.client import document
from tests.api.compatibility import ACCEPTED, METHODS, breaking_changes, resolved, text_of

Json = dict[str, Any]
NOW = document()
OPERATIONS = [(p, m) for p, item in NOW["paths"].items() for m in METHODS if m in item]
SOME = settings(deadline=None, max_examples=12)


def changed(change: Callable[[Json], Any]) -> list[str]:
    """What breaks when `change` happens to the document as it is."""
    new = copy.deepcopy(NOW)
    change(new)
    return breaking_changes(NOW, new)


def component(name: str, document: Json = NOW) -> Json:
    found: Json = document["components"]["schemas"][name]
    return found


def test_the_accepted_document_is_the_present_one() -> None:
    accepted = json.loads(ACCEPTED.read_text())
    assert breaking_changes(accepted, NOW) == []
    assert text_of(accepted) == text_of(NOW), "make openapi"


def test_nothing_breaks_where_nothing_changes() -> None:
    assert breaking_changes(NOW, copy.deepcopy(NOW)) == []


@SOME
@given(st.sampled_from(OPERATIONS))
def test_an_operation_that_is_gone(chosen: tuple[str, str]) -> None:
    path, method = chosen

    def remove(new: Json) -> None:
        del new["paths"][path][method]

    assert changed(remove) == [f"{method} {path}: the operation is gone"]


@SOME
@given(st.sampled_from(sorted(NOW["paths"])))
def test_a_path_that_is_gone(path: str) -> None:
    assert changed(lambda new: new["paths"].pop(path)) == [f"{path}: the path is gone"]


def answered() -> list[tuple[str, str, str]]:
    """(path, method, component) of what operations answer with 2xx."""
    found = []
    for path, method in OPERATIONS:
        for status, answer in NOW["paths"][path][method]["responses"].items():
            for content in answer.get("content", {}).values():
                reference = content["schema"].get("$ref", "")
                if status.startswith("2") and reference:
                    found.append((path, method, reference.rpartition("/")[2]))
    return found


ANSWERED = answered()


@SOME
@given(st.data())
def test_a_field_that_is_gone_from_an_answer(data: st.DataObject) -> None:
    _path, _method, name = data.draw(st.sampled_from(ANSWERED))
    prop = data.draw(st.sampled_from(sorted(component(name)["properties"])))

    def remove(new: Json) -> None:
        del component(name, new)["properties"][prop]

    assert any(line.endswith(f".{prop}: is gone") for line in changed(remove))


@SOME
@given(st.data())
def test_a_field_of_an_answer_with_another_type_or_none(data: st.DataObject) -> None:
    _path, _method, name = data.draw(st.sampled_from(ANSWERED))
    prop = data.draw(st.sampled_from(sorted(component(name)["properties"])))
    change = data.draw(st.sampled_from(["type", "missing"]))

    def break_it(new: Json) -> None:
        schema = component(name, new)
        if change == "missing":
            schema["required"] = [n for n in schema["required"] if n != prop]
        else:
            kept = resolved(new, schema["properties"][prop])
            schema["properties"][prop] = {
                "type": "boolean" if kept.get("type") != "boolean" else "string"
            }

    assert changed(break_it)


BODIES = [
    (path, method, content["schema"]["$ref"].rpartition("/")[2])
    for path, method in OPERATIONS
    for content in NOW["paths"][path][method].get("requestBody", {}).get("content", {}).values()
    if "$ref" in content["schema"]
]


@SOME
@given(st.data())
def test_a_body_that_is_narrower(data: st.DataObject) -> None:
    _path, _method, name = data.draw(st.sampled_from(BODIES))
    prop = data.draw(st.sampled_from(sorted(component(name)["properties"])))
    change = data.draw(st.sampled_from(["needed", "gone", "limit", "values"]))

    def break_it(new: Json) -> None:
        schema = component(name, new)
        if change == "needed":
            schema["properties"]["new"] = {"type": "string"}
            schema.setdefault("required", []).append("new")
        elif change == "gone":
            del schema["properties"][prop]
        elif change == "limit":
            schema["properties"][prop] = {
                **resolved(new, schema["properties"][prop]),
                "maxItems": 0,
            }
        else:
            kept = {**resolved(new, schema["properties"][prop])}
            kept["enum"] = kept.get("enum", ["a", "b"])[:-1]
            schema["properties"][prop] = kept

    assert any(" body" in line for line in changed(break_it)), change


@SOME
@given(st.data())
def test_what_is_added_breaks_nothing(data: st.DataObject) -> None:
    """A path, an operation, an optional parameter or field, a field of an answer, a status."""
    path, method = data.draw(st.sampled_from(OPERATIONS))
    _path, _method, name = data.draw(st.sampled_from(ANSWERED))
    _path, _method, body = data.draw(st.sampled_from(BODIES))

    def add(new: Json) -> None:
        operation = new["paths"][path][method]
        operation.setdefault("parameters", []).append(
            {"in": "query", "name": "added", "schema": {"type": "string"}}
        )
        operation["responses"]["418"] = {"description": ""}
        operation["security"] = [*operation["security"], {"another": []}]
        new["paths"]["/added"] = {"get": copy.deepcopy(operation)}
        component(name, new)["properties"]["added"] = {"type": "string"}
        component(name, new).setdefault("required", []).append("added")
        if body not in {n for _p, _m, n in ANSWERED}:
            component(body, new)["properties"]["optional"] = {"type": "string"}

    assert changed(add) == []


SMALL: Json = {
    "paths": {
        "/a": {
            "get": {
                "operationId": "a",
                "security": [{}, {"key": []}],
                "parameters": [
                    {"in": "query", "name": "q", "schema": {"type": "string", "maxLength": 9}}
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["n", "s"],
                                    "properties": {
                                        "n": {"type": "integer"},
                                        "s": {"enum": ["x", "y"], "type": "string"},
                                        "o": {"type": ["string", "null"]},
                                    },
                                }
                            }
                        }
                    }
                },
            }
        }
    },
    "components": {"schemas": {}},
}
OPERATION = SMALL["paths"]["/a"]["get"]


@pytest.mark.parametrize(
    ("where", "value", "breaks"),
    [
        (("operationId",), "b", "operation id"),
        (("security",), [{}], "no longer open to key"),
        (("parameters", 0, "required"), True, "is now needed"),
        (("parameters", 0, "schema", "maxLength"), 8, "maxLength 9 → 8"),
        (("parameters", 0, "schema", "maxLength"), 10, ""),
        (("parameters", 0, "schema", "enum"), ["a"], "certain values only"),
        (("parameters", 0, "schema", "type"), "integer", "no longer takes string"),
        (("parameters", 0, "schema", "type"), ["string", "null"], ""),
        (("responses", "201"), {}, ""),
        (("n", "type"), "number", "may now be number"),
        (("n", "type"), ["integer", "null"], "may now be null"),
        (("o", "type"), "string", ""),
        (("s", "enum"), ["x", "y", "z"], ""),
        (("s", "enum"), ["x"], ""),
        (("s", "format"), "date", "format None → date"),
        (("required",), ["n"], "may now be missing"),
    ],
)
def test_one_change(where: tuple[Any, ...], value: Any, breaks: str) -> None:
    new = copy.deepcopy(SMALL)
    node: Any = new["paths"]["/a"]["get"]
    body = node["responses"]["200"]["content"]["application/json"]["schema"]
    if where[0] in ("n", "o", "s"):
        node = body["properties"]
    elif where[0] == "required":
        node = body
    for step in where[:-1]:
        node = node[step]
    node[where[-1]] = value
    found = breaking_changes(SMALL, new)
    assert len(found) == bool(breaks), found
    assert all(breaks in line for line in found)
