"""What a charger's valid answer says, in neutral words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

Payload = dict[str, Any]


def outcome(action: str, response: Payload, received_at: datetime) -> dict[str, Any]:
    """Return the neutral content of a CALLRESULT; `status` is 1.6's word, "" if it has none."""
    status = response.get("status")
    reader = _READERS.get(action)
    content = {} if reader is None else reader(response, received_at)
    return {"status": status if isinstance(status, str) else "", **content}


_READERS: Final[dict[str, Callable[[Payload, datetime], dict[str, Any]]]] = {}
