"""JSON in and out through orjson. Decimals leave as strings, times as ISO 8601 with zone."""

from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

import orjson
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

MAX_BODY_BYTES = 1_000_000
MAX_DEPTH = 64
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_SUBCLASS


def _default(value: Any) -> Any:
    if isinstance(value, Decimal | Promise | str):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(data: Any) -> bytes:
    return orjson.dumps(data, default=_default, option=OPTIONS)


class PayloadTooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else dumps(data)


class OrjsonParser(BaseParser):
    """Strict JSON: no NaN, no infinity, no lone surrogates, bounded in size and depth."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise PayloadTooLarge(
                _("The body is larger than %(limit)d bytes.") % {"limit": MAX_BODY_BYTES}
            )
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(_("The body is not valid JSON: %(why)s") % {"why": error}) from error
        if _is_deeper_than(value, MAX_DEPTH):
            raise ParseError(_("The body is nested too deeply."))
        return value


def _is_deeper_than(value: Any, depth: int) -> bool:
    """Level by level: what was read must also be writable, and recursion has its own limits."""
    level = [value]
    for _level in range(depth + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return False
        level = below
    return True
