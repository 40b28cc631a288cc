"""`Idempotency-Key` for operations whose answer is kept: see `csms.common.idempotency`."""

from collections.abc import Callable
from typing import Any

import orjson
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from csms.common import idempotency
from csms.common.api.json import dumps

HEADER = "Idempotency-Key"
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The same key with the same body gives the same answer for 24 hours; with "
    "another body, 422.",
)


def answer_once(request: Request, act: Callable[[], tuple[int, Any]]) -> Response:
    """What `act` answers (status, body), or what it answered to the same request before.

    The key counts for this caller, this address and this body. Without one `act` just runs.
    """
    key = request.headers.get(HEADER)
    if key is None:
        status, body = act()
        return Response(body, status=status)

    def act_plainly() -> tuple[int, Any]:
        status, body = act()
        return status, orjson.loads(dumps(body))

    answer = idempotency.run_once(
        caller=idempotency.caller_key(request.user),
        route=f"{request.method} {request.path}",
        key=key,
        body=orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS),
        act=act_plainly,
    )
    headers = {"Idempotent-Replayed": "true"} if answer.is_replay else {}
    return Response(answer.body, status=answer.status_code, headers=headers)
