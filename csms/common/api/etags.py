"""Strong ETags for what only its caller sees; public answers get theirs in `ApiView`."""

import hashlib

from rest_framework.request import Request
from rest_framework.response import Response

from csms.common.api.json import dumps


def conditional(request: Request, response: Response) -> Response:
    """`response` with an ETag of its content, or 304 if the caller has it (RFC 9110 §13.1.2)."""
    etag = f'"{hashlib.sha256(dumps(response.data)).hexdigest()[:32]}"'
    if _is_known(request.headers.get("If-None-Match", ""), etag):
        response = Response(status=304)
    response["ETag"] = etag
    return response


def _is_known(header: str, etag: str) -> bool:
    """By the weak comparison that the header asks for: proxies weaken what they compress."""
    known = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return etag in known or "*" in known
