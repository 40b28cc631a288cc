"""Short ways to write the examples of an operation."""

from typing import Any

from drf_spectacular.utils import OpenApiExample


def sent(value: Any, name: str = "request") -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def answered(
    value: Any, status: int = 200, name: str = "answer", media_type: str = "application/json"
) -> OpenApiExample:
    return OpenApiExample(
        name, value, response_only=True, status_codes=[str(status)], media_type=media_type
    )


def page(row: Any) -> dict[str, Any]:
    return {"count": 1, "next": None, "previous": None, "results": [row]}


def cursor_page(row: Any) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": [row]}
