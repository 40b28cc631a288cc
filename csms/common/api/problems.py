"""Every error as `application/problem+json` (RFC 9457), in the caller's language."""

import math
from collections.abc import Iterator
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from csms.common.api.json import dumps
from csms.common.errors import DomainError, FieldError
from csms.common.http import current_request_id

logger = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
# Pages for people (the console) keep Django's HTML errors.
API_PREFIXES = (
    "/api/",
    "/connections",
    "/charge-points",
    "/transactions",
    "/health",
    "/readyz",
    "/metrics",
)
DATABASE_RETRY_SECONDS = 5

TITLES = {
    400: _("The input is not valid"),
    401: _("Sign in first"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("This method is not offered here"),
    409: _("The current state does not allow this"),
    413: _("The body is too large"),
    415: _("This media type is not understood"),
    422: _("This Idempotency-Key was used with another request"),
    429: _("Too many requests"),
    500: _("Something went wrong on our side"),
    503: _("Not available for the moment"),
}
CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
    500: "server_error",
    503: "unavailable",
}


def problem(
    request: HttpRequest | None,
    status: int,
    *,
    code: str = "",
    detail: str = "",
    errors: list[FieldError] | None = None,
) -> dict[str, Any]:
    """The body of one error answer."""
    code = code or CODES.get(status, "error")
    title = str(TITLES.get(status, TITLES[400 if status < 500 else 500]))
    return {
        "type": f"urn:csms:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "instance": request.path if request is not None else "",
        "code": code,
        "errors": [
            {"field": e.field, "code": e.code, "detail": gettext(e.detail) if e.detail else ""}
            for e in errors or []
        ],
        "request_id": current_request_id(),
    }


def field_errors(
    detail: Any, path: str = "", default_code: str = "invalid"
) -> Iterator[FieldError]:
    """Flatten the framework's nested errors: `evses.0.connectors.1.type`."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from field_errors(value, ".".join(p for p in (path, name) if p), default_code)
    elif isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        for index, item in enumerate(detail):
            yield from field_errors(item, f"{path}.{index}" if nested else path, default_code)
    else:
        yield FieldError(path, str(getattr(detail, "code", default_code)), str(detail))


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The framework's hook: an answer for what a caller can understand, None for our own faults."""
    request = getattr(context.get("request"), "_request", None)
    answer = _answer(error, request)
    if answer is None:
        return None
    set_rollback()
    body, headers = answer
    return Response(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)


def _answer(
    error: Exception, request: HttpRequest | None
) -> tuple[dict[str, Any], dict[str, str]] | None:
    if isinstance(error, DomainError):
        body = problem(
            request,
            error.status,
            code=error.code,
            detail=gettext(error.detail),
            errors=error.errors,
        )
        seconds = getattr(error, "retry_after_seconds", None)
        body |= error.members
        return body, {"Retry-After": str(seconds)} if seconds is not None else {}
    if isinstance(error, Http404):
        return problem(request, 404), {}
    if isinstance(error, PermissionDenied):
        return problem(request, 403), {}
    if isinstance(error, OperationalError | InterfaceError):
        logger.exception("database_away")
        return problem(request, 503), {"Retry-After": str(DATABASE_RETRY_SECONDS)}
    if isinstance(error, exceptions.APIException):
        return _framework_answer(error, request)
    return None


def _framework_answer(
    error: exceptions.APIException, request: HttpRequest | None
) -> tuple[dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if isinstance(error, exceptions.ValidationError):
        return problem(request, 400, errors=list(field_errors(error.detail))), headers
    if isinstance(error, exceptions.Throttled):
        seconds = max(math.ceil(getattr(error, "wait", None) or 1), 1)
        headers["Retry-After"] = str(seconds)
        detail = gettext("Try again in %(seconds)d seconds.") % {"seconds": seconds}
        return problem(request, 429, detail=detail), headers
    code = str(getattr(error.detail, "code", "")) or str(error.default_code)
    code = code if code not in {"error", "permission_denied"} else ""
    return problem(request, error.status_code, code=code, detail=str(error.detail)), headers


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIXES)


def plain_answer(request: HttpRequest, status: int, **headers: str) -> HttpResponse:
    """A problem outside of the REST framework: unknown routes and faults of our own."""
    response = HttpResponse(
        dumps(problem(request, status)), status=status, content_type=MEDIA_TYPE, headers=headers
    )
    response["Cache-Control"] = "private, no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return plain_answer(request, 400)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return plain_answer(request, 403)
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return plain_answer(request, 404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if is_api(request):
        return plain_answer(request, 500)
    return defaults.server_error(request)
