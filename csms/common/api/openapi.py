"""The OpenAPI document, made once per process and language."""

import json
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views import View
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer


@lru_cache(maxsize=4)
def document(language: str) -> bytes:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    rendered: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return json.dumps(json.loads(rendered), ensure_ascii=False).encode()


class SchemaView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponse(
            document(get_language() or "en"), content_type="application/json; charset=utf-8"
        )
        response["Cache-Control"] = "public, max-age=60"
        return response
