"""Charger strings on their way into columns: they may hold anything, of any length."""

from typing import Any


def cut(text: str, length: int) -> str:
    """`text` without NUL, which PostgreSQL refuses, and not longer than `length` characters."""
    return text.replace("\x00", "")[:length]


def without_nul(value: Any) -> Any:
    """A JSON value without NUL characters in any of its strings or keys."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list | tuple):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value
