"""Times in the parameters of commands: ISO 8601 with a zone."""

from datetime import UTC, datetime
from typing import Any


def read_moment(value: Any) -> datetime | None:
    """The time in UTC; None if `value` is none, or has no zone."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
