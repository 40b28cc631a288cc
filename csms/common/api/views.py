"""The base of every endpoint: access by table, cache headers, limits also for refused callers."""

import hashlib
import os
from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import AuthenticationFailed, NotAcceptable, NotAuthenticated
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import BasePagination
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from csms.common.api import CHALLENGE
from csms.common.api.json import OrjsonRenderer
from csms.common.api.pagination import PagePagination
from csms.common.api.permissions import Access, MayCall, access_to
from csms.common.api.throttling import AddressThrottle, allowance_of


class FirstRendererWins(DefaultContentNegotiation):
    """Answers JSON to whoever accepts nothing that we have, as RFC 9110 allows."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(
                request, renderers, format_suffix
            )
            return chosen
        except (NotAcceptable, Http404):
            return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """An endpoint. `access` names who may call each method.

    An anonymous caller's successful GET may be kept by caches for `public_seconds`. A driver gets
    the same answer: it may be kept by the app, which asks whether it still holds (`no-cache`, weak
    ETag). Everything else, and whatever staff and keys see, is private and not to be stored.
    """

    access: ClassVar[dict[str, Access]] = {}
    public_seconds: ClassVar[int] = 0
    permission_classes = (MayCall,)
    content_negotiation_class = FirstRendererWins
    metadata_class = None
    pagination_class: ClassVar[type[BasePagination]] = PagePagination

    @property
    def allowed_methods(self) -> list[str]:
        """For the `Allow` header."""
        return [*self.access, "HEAD"] if "GET" in self.access else list(self.access)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        _count_chunks(request)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if access_to(self, request.method) is None:
            self.http_method_not_allowed(request)
        try:
            super().initial(request, *args, **kwargs)
        except (NotAuthenticated, AuthenticationFailed):
            self._count_refusal(request)
            raise

    def get_authenticate_header(self, request: Request) -> str:
        """Also where a view authenticates nobody: a wrong password is a 401, not a 403."""
        return CHALLENGE

    def _count_refusal(self, request: Request) -> None:
        throttle = AddressThrottle()
        if not throttle.allow_request(request, self):
            self.throttled(request, throttle.wait() or 0)

    def validated(self, form: type[Serializer[Any]], data: Any) -> dict[str, Any]:
        """What `form` makes of `data`; raises the framework's `ValidationError`."""
        checked = form(data=data, context={"request": self.request})
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def page(
        self,
        request: Request,
        rows: QuerySet[Any],
        represent: Callable[[Any], dict[str, Any]],
        prepare: Callable[[list[Any]], None] | None = None,
    ) -> Response:
        """One page of `rows` in the envelope of `pagination_class`; `prepare` gets its rows."""
        paginator = self.pagination_class()
        found = list(paginator.paginate_queryset(rows, request, view=self) or [])
        if prepare is not None:
            prepare(found)
        return paginator.get_paginated_response([represent(row) for row in found])

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if getattr(response, "exception", False):
            request.accepted_renderer = OrjsonRenderer()
            request.accepted_media_type = OrjsonRenderer.media_type
        response = super().finalize_response(request, response, *args, **kwargs)
        allowance = allowance_of(request)
        if allowance is not None:
            for name, value in allowance.headers().items():
                response[name] = value
        self._set_cache_headers(request, response)
        return response

    def _set_cache_headers(self, request: Request, response: Response) -> None:
        patch_vary_headers(response, ["Authorization", "X-Api-Key", "Accept-Language"])
        is_for_all = (
            self.public_seconds
            and request.method in {"GET", "HEAD"}
            and response.status_code == 200
            and not _sees_more(request.user)
        )
        if not is_for_all:
            response["Cache-Control"] = "private, no-store"
            return
        is_signed_in = any(h in request.headers for h in ("Authorization", "X-Api-Key"))
        response["Cache-Control"] = (
            "private, no-cache" if is_signed_in else f"public, max-age={self.public_seconds}"
        )
        response.add_post_render_callback(
            lambda rendered: _conditional(request.headers.get("If-None-Match", ""), rendered)
        )


def _sees_more(caller: Any) -> bool:
    """Staff and API keys, whose answers hold what others do not see."""
    return hasattr(caller, "scopes") or bool(getattr(caller, "is_staff", False))


def _count_chunks(request: HttpRequest) -> None:
    """State the length of a body that came in chunks: the framework takes it for empty else.

    The server has received it whole by now.
    """
    meta = request.META
    if "HTTP_TRANSFER_ENCODING" in meta and not meta.get("CONTENT_LENGTH"):
        stream = request._stream
        stream.seek(0, os.SEEK_END)
        meta["CONTENT_LENGTH"] = str(stream.tell())
        stream.seek(0)


def _conditional(known: str, response: HttpResponse) -> HttpResponse | None:
    """Give the answer a weak ETag, and only that if the caller has it already."""
    etag = f'W/"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    # Compared weakly (RFC 9110, 8.8.3.2): as if every tag were a weak one.
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    if etag.removeprefix("W/") not in tags and "*" not in tags:
        return None
    unchanged = HttpResponse(status=304)
    for header in ("ETag", "Cache-Control", "Vary"):
        unchanged[header] = response[header]
    return unchanged
