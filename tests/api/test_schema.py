"""The OpenAPI document: complete, valid, offline; and what its routes let through."""

import re
from io import StringIO
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import Operator
from csms.common.api.views import ApiView
from tests.api.client import ApiClient, document
from tests.support.factories import (
    make_api_key,
)

METHODS = ("get", "put", "post", "delete", "patch")
OPERATIONS = [
    (path, method, operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]
NAMES = [f"{method} {path}" for path, method, _operation in OPERATIONS]


def test_the_generator_has_nothing_to_say() -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=StringIO())
    assert document()["openapi"].startswith("3.1")


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=NAMES)
def test_an_operation_has_an_id_examples_and_its_errors(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert re.fullmatch(r"[a-z_]+", operation["operationId"])
    assert operation["summary"]
    responses = operation["responses"]
    if not path.startswith(("/health", "/readyz", "/api/health")):
        assert path == "/api/admin/auth/logout" or "400" in responses or "401" in responses
    if "{" in path:
        assert "404" in responses
    for status, response in responses.items():
        for media_type, content in response.get("content", {}).items():
            if media_type == "text/csv":
                continue
            assert content.get("examples"), f"{status} has no example"
            check_examples(content)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        assert content.get("examples"), "the body has no example"
        check_examples(content)


def check_examples(content: dict[str, Any]) -> None:
    schema = {**content["schema"], "components": document()["components"]}
    for example in content["examples"].values():
        jsonschema_rs.validator_for(schema).validate(example["value"])


def test_descriptions_are_for_callers() -> None:
    """They name the scope that a key needs, and hold no docstring of a view, inherited or own."""
    described = {
        operation["operationId"]: operation.get("description", "") for *_, operation in OPERATIONS
    }
    scopes = {
        operation["operationId"]
        for *_, operation in OPERATIONS
        if any("apiKeyAuth" in way for way in operation.get("security", []))
    }
    assert scopes
    assert {name for name, text in described.items() if "API keys need the scope" in text} == scopes
    docstrings = [
        line
        for view in [*ApiView.__subclasses__(), ApiView]
        for line in (view.__doc__ or "").splitlines()[:1]
        if line
    ]
    assert docstrings
    assert not [
        (name, line) for name, text in described.items() for line in docstrings if line in text
    ]


def test_ids_are_unique() -> None:
    ids = [operation["operationId"] for _path, _method, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/openapi", "/redoc"])
def test_the_pages_need_nothing_from_elsewhere(client: Client, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page.content.decode())
    assert sources
    for source in sources:
        assert source.startswith(("/static/", "/openapi", "data:")), source
        if not source.startswith("data:"):
            asset = client.get(source)
            asset.close()
            assert asset.status_code == 200, source
    assert client.get("/openapi.json").json()["paths"]


@pytest.mark.django_db
def test_an_inactive_operators_key_is_none(operator: Operator) -> None:
    _row, raw = make_api_key(("read",), operator=operator)
    Operator.objects.filter(pk=operator.pk).update(is_active=False)
    ApiClient(HTTP_X_API_KEY=raw).call("get", "/connections", expect=401)
