"""Strings and JSON that came from a charger, made fit for a database column."""

import math
import re
from typing import Any

# PostgreSQL stores neither NUL nor a lone surrogate, in text or in JSON.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def fit(text: str, max_length: int) -> str:
    """`text` without what no database stores, cut to `max_length` characters."""
    return _UNSTORABLE.sub("", text)[:max_length]


def storable_json(value: Any) -> Any:
    """`value` with its strings and keys cleaned and its non-finite numbers as text."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {storable_json(str(key)): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
