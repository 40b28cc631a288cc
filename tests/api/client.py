"""Requests as a caller makes them; every answer must fit the OpenAPI document."""

import json
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any

import jsonschema_rs
import orjson
import pytest
from django.test import Client
from django.urls import Resolver404, resolve
from drf_spectacular.generators import SchemaGenerator

from accounts.api.authentication import issue_access_token
from accounts.models import User
from accounts.services.sign_ins import sign_in
from csms.common import clock


@lru_cache
def document() -> dict[str, Any]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    plain: dict[str, Any] = json.loads(json.dumps(schema, default=str))
    return plain


def template_of(path: str) -> str | None:
    """The path of the document that `path` belongs to."""
    try:
        route = resolve(path).route
    except Resolver404:
        return None
    text = "/" + route
    while "<" in text:
        start, end = text.index("<"), text.index(">")
        text = f"{text[:start]}{{{text[start + 1 : end].split(':')[-1]}}}{text[end + 1 :]}"
    return text


@cache
def validator(template: str, method: str, status: str, media_type: str) -> Any:
    responses = document()["paths"][template][method]["responses"]
    assert status in responses, f"{method} {template} may not answer {status}"
    content = responses[status].get("content", {})
    if not content:
        return None
    assert media_type in content, f"{method} {template} may not answer {media_type}"
    schema = {**content[media_type]["schema"], "components": document()["components"]}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


class ApiClient(Client):
    """`client.call("post", path, body)`; checks status, media type and body."""

    def __init__(self, **headers: Any) -> None:
        super().__init__(**headers)

    @classmethod
    def of(cls, user: User) -> "ApiClient":
        now = clock.now()
        opened = sign_in(user, address="127.0.0.1", expires_at=now + timedelta(minutes=10), at=now)
        return cls(HTTP_AUTHORIZATION=f"Bearer {issue_access_token(opened)}")

    def call(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None, **headers: Any
    ) -> Any:
        data = b"" if body is None else orjson.dumps(body)
        response = self.generic(
            method.upper(), path, data, content_type="application/json", **headers
        )
        if expect is not None:
            assert response.status_code == expect, (response.status_code, response.content[:2000])
        self.check(method, path, response)
        return response

    def json(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        content = self.call(method, path, body, **options).content
        return orjson.loads(content) if content else None

    @staticmethod
    def check(method: str, path: str, response: Any) -> None:
        template = template_of(path.partition("?")[0])
        status = response.status_code
        assert status < 500 or status == 503, response.content[:2000]
        if (
            template is None
            or template not in document()["paths"]
            or status in {304, 405, 413, 415}
        ):
            return
        media_type = response.headers.get("Content-Type", "").partition(";")[0]
        if response.streaming:
            assert validator(template, method.lower(), str(status), media_type) is not None
            return
        if not response.content or media_type == "text/csv":
            return
        check = validator(template, method.lower(), str(status), media_type)
        body = orjson.loads(response.content)
        if check is not None and not check.is_valid(body):
            error = next(check.iter_errors(body))
            pytest.fail(f"{method} {template}: {error.instance_path} {error.message[-500:]}")
