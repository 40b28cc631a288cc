"""Every request of OCPP 1.6, changed in one place or in several."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import ocpp.v16

ODD: list[Any] = [
    *(None, True, -1, 0, 1.5, 2**31, 2**63, 10**30, 1e308, "", "x" * 3_000, "\x00", "‮"),
    *("<script>", "'; DROP TABLE x; --", "NaN", "-1", [], {}, [[]], {"a": {"b": []}}, [None] * 50),
]


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Action and JSON schema of every request, whoever may send it."""
    for path in sorted((Path(ocpp.v16.__file__).parent / "schemas").glob("*.json")):
        if not path.stem.endswith("Response"):
            yield path.stem, json.loads(path.read_text(encoding="utf-8-sig"))


def example(schema: dict[str, Any]) -> Any:
    """A value that satisfies `schema`, more or less."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: example(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"])]
    if kind == "string":
        return "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else "1"
    return {"integer": 1, "number": 1.5, "boolean": True}.get(str(kind))


def mutations(value: Any) -> Iterator[Any]:
    """`value` with one place changed, for every place in it."""
    yield from ODD
    children: list[Any] = []
    if isinstance(value, dict):
        children = list(value)
        for name in children:
            yield {other: part for other, part in value.items() if other != name}
        yield {**value, "unknown": 1}
    elif isinstance(value, list):
        children = list(range(len(value)))
        yield value * 100
    for key in children:
        for changed in mutations(value[key]):
            copy = value.copy()
            copy[key] = changed
            yield copy


def requests() -> Iterator[tuple[str, Any]]:
    """Every request with every single change."""
    for action, schema in schemas():
        for payload in mutations(example(schema)):
            yield action, payload


def mangled(count: int, seed: int) -> Iterator[tuple[str, Any]]:
    """`count` requests with one to four changes each, in places drawn by `seed`."""
    chance = Random(seed)
    examples = [(action, example(schema)) for action, schema in schemas()]
    for _request in range(count):
        action, payload = chance.choice(examples)
        for _change in range(chance.randint(1, 4)):
            payload = _change_somewhere(payload, chance)
        yield action, payload


def _change_somewhere(value: Any, chance: Random) -> Any:
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    if keys and chance.random() < 0.8:
        key = chance.choice(keys)
        copy = value.copy()
        copy[key] = _change_somewhere(value[key], chance)
        return copy
    if keys and chance.random() < 0.5:
        key = chance.choice(keys)
        if isinstance(value, dict):
            return {name: part for name, part in value.items() if name != key}
        return [*value, *value[key:]]
    return chance.choice(ODD)
