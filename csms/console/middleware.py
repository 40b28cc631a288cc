"""The Content-Security-Policy of every page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_COMMON = (
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; "
)
# Alpine.js, which unfold builds on, evaluates its attributes: 'unsafe-eval', in the console only.
CONSOLE_POLICY = _COMMON + "script-src 'self' 'unsafe-eval'"
# Swagger UI and Redoc start from a script in their page and run a worker from a blob.
DOCUMENTATION_POLICY = _COMMON + "script-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
STRICT_POLICY = _COMMON + "script-src 'self'"

_DOCUMENTATION_PATHS = ("/openapi", "/redoc")


class ContentSecurityPolicyMiddleware:
    """Nothing is loaded from elsewhere, and no page may be framed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", policy_for(request.path))
        return response


def policy_for(path: str) -> str:
    if path.startswith("/admin/"):
        return CONSOLE_POLICY
    if path.startswith(_DOCUMENTATION_PATHS):
        return DOCUMENTATION_POLICY
    return STRICT_POLICY
