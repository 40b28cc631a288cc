"""Numbers in the parameters of commands, which may come as texts."""

from collections.abc import Mapping
from typing import Any

LARGEST = 2**31 - 1


def whole(value: Any) -> int:
    """A whole number from 0 to 2³¹-1; -1 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 11:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return value
    return -1


def evse_number(parameters: Mapping[str, Any]) -> int:
    """The EVSE that a command names, 0 for the whole station, -1 if it cannot be read.

    `connector_id` alone is OCPP 1.6's flat number: there each EVSE has one connector.
    """
    named = parameters.get("evse_id")
    return whole(parameters.get("connector_id", 0) if named is None else named)
