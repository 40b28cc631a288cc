"""What every HTTP request carries: an id, bound to the logs and echoed to the caller."""

import contextvars
import re
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from csms.common.identifiers import uuid7

_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
_ACCEPTABLE = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")
logger = structlog.get_logger(__name__)


def current_request_id() -> str:
    """The id of the request being served, or an empty string outside of one."""
    return _request_id.get()


class RequestContextMiddleware:
    """Takes a well-formed `X-Request-Id` or makes one; logs one line per request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-Id", "")
        request_id = offered if _ACCEPTABLE.match(offered) else str(uuid7())
        token = _request_id.set(request_id)
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                response = self.get_response(request)
                response["X-Request-Id"] = request_id
                logger.info(
                    "request",
                    method=request.method,
                    path=request.path,
                    status=response.status_code,
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                )
            finally:
                _request_id.reset(token)
        return response
