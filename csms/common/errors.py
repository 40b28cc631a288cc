"""Errors that a service raises and every edge (API, admin, gateway, command line) can show."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong input: where, a stable code, and what to do about it."""

    field: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal with a stable `code`, a text for people, and the HTTP status that fits it."""

    code = "error"
    status = 400
    title = "The request was refused"

    def __init__(
        self, detail: str = "", *, code: str | None = None, errors: list[FieldError] | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors or []
        # Further members of the problem document (RFC 9457 §3.2), as JSON has them.
        self.members: dict[str, Any] = {}
        if code is not None:
            self.code = code

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "detail": self.detail}


class InvalidInput(DomainError):
    code = "invalid"
    status = 400
    title = "The input is not valid"


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = "Not found"


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    title = "Not allowed"


class Conflict(DomainError):
    """The object's state does not allow it."""

    code = "conflict"
    status = 409
    title = "The current state does not allow this"


class IdempotencyMismatch(DomainError):
    code = "idempotency_key_reused"
    status = 422
    title = "This Idempotency-Key was used with another request"


class TooManyRequests(DomainError):
    """A limit that is kept by rows, not by the cache. `retry_after_seconds`: when it ends."""

    code = "throttled"
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_seconds: int, code: str | None = None):
        super().__init__(detail, code=code)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(DomainError):
    """Something that others run does not answer; trying again later may help."""

    code = "unavailable"
    status = 503
    title = "Not available for the moment"

    def __init__(self, detail: str = "", *, retry_after_seconds: int, code: str | None = None):
        super().__init__(detail, code=code)
        self.retry_after_seconds = retry_after_seconds
