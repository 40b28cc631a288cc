"""The OpenAPI document: who may call, which errors come, pages in their envelope."""

from functools import lru_cache
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from csms.common.api.permissions import access_to
from csms.common.api.problems import CODES, MEDIA_TYPE, TITLES
from csms.common.api.queries import PAGE_PARAMETERS

BEARER = "bearerAuth"
API_KEY = "apiKeyAuth"


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Path of the wrong input; empty: the whole.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. `code` is stable, `title` and `detail` are for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    errors: Any = FieldErrorSerializer(many=True)
    request_id = serializers.CharField()


@lru_cache
def page_of(row: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The envelope of a numbered page of `row`."""
    return inline_serializer(
        name=row.__name__.removesuffix("Serializer") + "Page",
        fields={
            "count": serializers.IntegerField(),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )


@lru_cache
def cursor_page_of(row: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The envelope of a page that a cursor leads to."""
    return inline_serializer(
        name=row.__name__.removesuffix("Serializer") + "CursorPage",
        fields={
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )


class AutoSchema(SpectacularAutoSchema):
    """Adds to each operation what the `access` table and the error handler say about it.

    A view may name further statuses of a method in `problem_statuses`.
    """

    def get_auth(self) -> list[dict[str, Any]]:
        super().get_auth()  # registers the security schemes
        access = access_to(self.view, self.method)
        if access is None:
            return []
        ways: list[dict[str, Any]] = []
        if access.public:
            ways.append({})
        if access.public or access.signed_in or access.driver or access.staff is not None:
            ways.append({BEARER: []})
        if access.scope is not None:
            ways.append({API_KEY: []})
        return ways

    def get_description(self) -> str:  # type: ignore[override]  # the stubs know the base only
        """Nothing by itself: docstrings are for who works on the program."""
        return ""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        access = access_to(self.view, self.method)
        if operation is not None and access is not None and access.scope is not None:
            text = operation.get("description", "")
            operation["description"] = (
                f"{text}\n\nAPI keys need the scope `{access.scope}`.".strip()
            )
        return operation

    def _get_paginator(self) -> None:
        """None: views name the envelope of a page themselves."""
        return None

    def _problem_statuses(self) -> list[int]:
        access = access_to(self.view, self.method)
        if access is None:
            return []
        statuses = {429, 503} if self.view.throttle_classes else {503}
        parameters = self._get_parameters()
        if any(parameter["name"] in PAGE_PARAMETERS for parameter in parameters):
            statuses.add(404)
        writes = self.method in {"POST", "PUT", "PATCH"}
        if parameters or (writes and self.get_request_serializer() is not None):
            statuses.add(400)
        if "{" in self.path:
            statuses.add(404)
        if self.view.authentication_classes:
            statuses |= {401} if access.public else {401, 403}
        statuses |= set(getattr(self.view, "problem_statuses", {}).get(self.method, ()))
        return sorted(statuses)

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        for status in self._problem_statuses():
            bodies.setdefault(
                str(status),
                {
                    "description": str(TITLES[status]),
                    "content": {
                        MEDIA_TYPE: {"schema": problem, "examples": _problem_example(status)}
                    },
                },
            )
        return dict(sorted(bodies.items()))


def _problem_example(status: int) -> dict[str, Any]:
    code = CODES.get(status, "conflict")
    title = str(TITLES[status])
    errors = [{"field": "name", "code": "required", "detail": "This field is required."}]
    value = {
        "type": f"urn:csms:problem:{code}",
        "title": title,
        "status": status,
        "detail": title,
        "instance": "/api/…",
        "code": code,
        "errors": errors if status == 400 else [],
        "request_id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e",
    }
    return {code: {"value": value}}
