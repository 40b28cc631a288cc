"""OCPP-J frames: text to immutable values and back. Parsing never raises."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, final

import orjson

CALL: Final = 2
CALLRESULT: Final = 3
CALLERROR: Final = 4
MAX_MESSAGE_ID: Final = 36
MAX_DESCRIPTION: Final = 255
# Stands for an id that cannot be read (OCPP-J 2.0.1 Part 4 §4.2.3).
UNREADABLE_ID: Final = "-1"
# No OCPP message comes near; what is deeper would overflow the stack of a later reader.
MAX_DEPTH: Final = 32
# An escaped NUL, and not an escaped backslash before "u0000". PostgreSQL stores NUL neither in text
# nor in jsonb, so it is dropped before anything sees it.
_ESCAPED_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class Call(NamedTuple):
    """`payload` is None where the frame has none or null."""

    message_id: str
    action: str
    payload: Any


@final
@dataclass(frozen=True, slots=True)
class CallResult:
    message_id: str
    payload: Any


@final
@dataclass(frozen=True, slots=True)
class CallError:
    message_id: str
    code: str
    description: str
    details: Any


class Flaw(Enum):
    """What is wrong with a frame that is none."""

    NOT_A_FRAME = "not_a_frame"
    UNKNOWN_TYPE = "unknown_type"
    BAD_CALL = "bad_call"
    BAD_ANSWER = "bad_answer"


@final
@dataclass(frozen=True, slots=True)
class Malformed:
    """`message_id` is the id to echo, or `UNREADABLE_ID`; `action` is empty where unreadable."""

    flaw: Flaw
    reason: str
    message_id: str = UNREADABLE_ID
    action: str = ""


Frame = Call | CallResult | CallError | Malformed


def parse(text: str) -> Frame:
    """Read one text frame. What is wrong comes back as `Malformed`, never as an exception."""
    if "\\u0000" in text:
        text = _ESCAPED_NUL.sub(r"\1", text)
    try:
        parts = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Malformed(Flaw.NOT_A_FRAME, f"Not JSON: {error.msg}")
    if type(parts) is not list or not parts:
        return Malformed(Flaw.NOT_A_FRAME, "Not a JSON array with a message type.")
    if text.count("[") + text.count("{") > MAX_DEPTH and _nests_too_deeply(parts):
        return Malformed(Flaw.NOT_A_FRAME, "Nested too deeply.")
    kind = parts[0]
    if type(kind) is int:
        if kind == CALL:
            return _call(parts)
        if kind == CALLRESULT:
            return _result(parts)
        if kind == CALLERROR:
            return _error(parts)
    return Malformed(Flaw.UNKNOWN_TYPE, "Unknown message type.", _echo(parts))


def _call(parts: list[Any]) -> Call | Malformed:
    size = len(parts)
    if size < 2:
        return Malformed(Flaw.BAD_CALL, "A CALL has a message id, an action and a payload.")
    message_id = parts[1]
    action = parts[2] if size > 2 else None
    if type(message_id) is not str or not 0 < len(message_id) <= MAX_MESSAGE_ID:
        known_action = action if type(action) is str else ""
        return Malformed(
            Flaw.BAD_CALL,
            f"messageId must be a string of 1 to {MAX_MESSAGE_ID} characters.",
            _echo(parts),
            known_action,
        )
    if type(action) is not str:
        return Malformed(Flaw.BAD_CALL, "action must be a string.", message_id)
    if size > 4:
        return Malformed(Flaw.BAD_CALL, "A CALL has four elements.", message_id, action)
    return Call(message_id, action, parts[3] if size == 4 else None)


def _result(parts: list[Any]) -> CallResult | Malformed:
    # An answer without a payload still ends our CALL; the missing payload is judged later.
    if len(parts) not in (2, 3) or type(parts[1]) is not str:
        return Malformed(Flaw.BAD_ANSWER, "A CALLRESULT has a message id and a payload.")
    return CallResult(parts[1], parts[2] if len(parts) == 3 else None)


def _error(parts: list[Any]) -> CallError | Malformed:
    if len(parts) < 2 or type(parts[1]) is not str:
        return Malformed(Flaw.BAD_ANSWER, "A CALLERROR has a message id.")
    code = parts[2] if len(parts) > 2 else None
    description = parts[3] if len(parts) > 3 else None
    details = parts[4] if len(parts) > 4 else None
    return CallError(parts[1], _as_text(code), _as_text(description), details)


def _as_text(value: Any) -> str:
    if type(value) is str:
        return value
    return str(value) if type(value) in (int, float) else ""


def _echo(parts: list[Any]) -> str:
    if len(parts) > 1 and type(parts[1]) is str and 0 < len(parts[1]) <= MAX_MESSAGE_ID:
        return parts[1]
    return UNREADABLE_ID


def _nests_too_deeply(parts: list[Any]) -> bool:
    level: list[Any] = parts
    for _ in range(MAX_DEPTH):
        level = [
            item
            for value in level
            if type(value) in (list, dict)
            for item in (value.values() if type(value) is dict else value)
        ]
        if not level:
            return False
    return True


def storable(text: str, limit: int | None = None) -> str:
    """Return `text` as every database takes it: no NUL, no lone surrogate, at most `limit` long."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text if limit is None else text[:limit]


def dump_call(message_id: str, action: str, payload: Any) -> str:
    return orjson.dumps([CALL, message_id, action, payload], option=orjson.OPT_UTC_Z).decode()


def dump_result(message_id: str, payload: Any) -> str:
    """Write a CALLRESULT. Aware datetimes in `payload` become RFC 3339 with Z."""
    return orjson.dumps([CALLRESULT, message_id, payload], option=orjson.OPT_UTC_Z).decode()


def dump_error(message_id: str, code: str, description: str = "", details: Any = None) -> str:
    description = storable(description, MAX_DESCRIPTION)
    details = {} if details is None else details
    return orjson.dumps([CALLERROR, message_id, code, description, details]).decode()
