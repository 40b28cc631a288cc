"""Payloads against the JSON schemas of the `ocpp` package, compiled once with jsonschema-rs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

import jsonschema_rs
import orjson

from ocpp_gateway.protocol.errors import ErrorCode

_FOLDERS: Final = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
_REQUEST_SUFFIX: Final = {"1.6": "", "2.0.1": "Request", "2.1": "Request"}
# Which violation is named first when there are several: the one that explains the others.
_PRECEDENCE: Final = ("required", "type")
_NAMED_FIELDS: Final = 20
_CODES: Final = {
    "type": ErrorCode.TYPE_VIOLATION,
    "required": ErrorCode.OCCURRENCE_VIOLATION,
    "minItems": ErrorCode.OCCURRENCE_VIOLATION,
    "maxItems": ErrorCode.OCCURRENCE_VIOLATION,
    "additionalProperties": ErrorCode.FORMAT_VIOLATION,
}


class Anomaly(NamedTuple):
    """A deviation that was tolerated. `kind` is a stable word, `detail` names the field."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a payload breaks its schema. `path` leads to the value, a missing one too."""

    keyword: str
    path: tuple[str | int, ...]
    message: str
    instance: Any
    expected: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        return field_name(self.path)

    @property
    def code(self) -> ErrorCode:
        if not self.path:
            return ErrorCode.FORMAT_VIOLATION
        return _CODES.get(self.keyword, ErrorCode.PROPERTY_VIOLATION)

    @property
    def description(self) -> str:
        """A text for the charger's log; the schema's message may repeat the value, so it is cut."""
        return f"{self.field or 'payload'}: {self.message}"[:255]


def field_name(path: tuple[str | int, ...]) -> str:
    """Write a path as people read it: `meterValue[0].sampledValue[1].unit`."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name


@cache
def _schema_names(version: str) -> frozenset[str]:
    folder = resources.files("ocpp") / _FOLDERS[version] / "schemas"
    return frozenset(
        entry.name.removesuffix(".json")
        for entry in folder.iterdir()
        if entry.name.endswith(".json")
    )


@cache
def known_actions(version: str) -> frozenset[str]:
    """Every action of the version, whichever side sends it."""
    suffix = _REQUEST_SUFFIX[version]
    return frozenset(
        name.removesuffix("Response")
        for name in _schema_names(version)
        if name.endswith("Response")
        and name.removesuffix("Response") + suffix in _schema_names(version)
    )


@cache
def _validator(version: str, action: str, is_response: bool) -> jsonschema_rs.Draft4Validator:
    name = action + ("Response" if is_response else _REQUEST_SUFFIX[version])
    path = resources.files("ocpp") / _FOLDERS[version] / "schemas" / f"{name}.json"
    schema = orjson.loads(path.read_text("utf-8-sig"))
    # `format` (date-time, uri) is judged by whoever reads the value: chargers write times in
    # many forms that are worth more than a refusal.
    return jsonschema_rs.Draft4Validator(schema, validate_formats=False)


@cache
def checker(version: str, action: str, is_response: bool = False) -> Callable[[Any], bool] | None:
    """Return the fast yes-or-no check of one message, None if the version has no such action.

    The cache is bounded although `action` comes from outside only if the caller asks
    `known_actions` first.
    """
    if action not in known_actions(version):
        return None
    is_valid: Callable[[Any], bool] = _validator(version, action, is_response).is_valid
    return is_valid


def violations(
    version: str, action: str, payload: Any, *, is_response: bool = False
) -> list[Violation]:
    """Return everything in which `payload` breaks its schema, the most telling first."""
    found = [
        violation
        for error in _validator(version, action, is_response).iter_errors(payload)
        for violation in _read(error)
    ]
    # Sorting is stable: within one keyword the schema's order stays.
    found.sort(
        key=lambda violation: (
            _PRECEDENCE.index(violation.keyword)
            if violation.keyword in _PRECEDENCE
            else len(_PRECEDENCE)
        )
    )
    return found


def _read(error: jsonschema_rs.ValidationError) -> list[Violation]:
    keyword = error.kind.name
    path = tuple(error.instance_path)
    if keyword == "required":
        missing = str(error.kind.as_dict()["property"])
        return [Violation(keyword, (*path, missing), "is required", None)]
    if keyword == "additionalProperties":
        names = error.kind.as_dict()["unexpected"][:_NAMED_FIELDS]
        return [Violation(keyword, (*path, name), "is not a known field", None) for name in names]
    expected = tuple(error.kind.as_dict()["types"]) if keyword == "type" else ()
    return [Violation(keyword, path, error.message, error.instance, expected)]
