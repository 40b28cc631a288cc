"""What must never stand in a log, and what makes any text safe to stand on one line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

REDACTED = "[redacted]"
MAX_TEXT = 2_000
MAX_ITEMS = 50
MAX_DEPTH = 6

_CONFIDENTIAL = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|authori[sz]ation|cookie|csrf\w*|sessionid"
    r"|api[_-]?key|x-api-key|private[_-]?key|encryption[_-]?keys?|otp(?:_token)?|ticket"
    r"|authorizationkey|backup[_-]?code"
)
_SECRET_KEY = re.compile(
    rf"(?:^|[_\-.])(?:{_CONFIDENTIAL})s?(?:$|[_\-](?:hash|raw|value|header)$)"
    r"|password|secret|tokens?$",
    re.IGNORECASE,
)
_PERSONAL_KEY = re.compile(r"(?:^|[_\-.])(?:e-?mail|phone|mobile|msisdn)(?:$|[_\-])", re.IGNORECASE)
# OCPP: ChangeConfiguration and SetVariables carry the station's password as a named value.
_NAMED_SECRET = re.compile(r"^(?:AuthorizationKey|BasicAuthPassword)$", re.IGNORECASE)

_TEXT_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # {"key": "AuthorizationKey", "value": "…"}
    (
        re.compile(
            r"((?:AuthorizationKey|BasicAuthPassword)[\"'\\]*\s*[,}][^\[\]]{0,200}?"
            r"value[\"'\\]*\s*:\s*[\"'\\]*)[^\"'\\,}]+",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(r"\b(Bearer|Basic|Digest)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE),
        rf"\1 {REDACTED}",
    ),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), REDACTED),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@\"']+@", re.IGNORECASE), rf"\1{REDACTED}@"),
    # password=…, "api_key": "…", Cookie: …; up to the end of the value
    (
        re.compile(
            rf"((?:{_CONFIDENTIAL})[\"'\\]*\s*[=:]\s*)"
            rf"(?!\s*\[redacted\]|(?:Bearer|Basic|Digest)\s)(\"[^\"]*\"|'[^']*'|[^\s&,;}}\"']+)",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
        "[e-mail]",
    ),
    # Thai numbers: 0812345678, 081-234-5678, 02 123 4567, +66 81 234 5678
    (re.compile(r"(?<![\w.:+-])(?:\+?66|0)[ -]?\d(?:[ -]?\d){7,8}(?![\w.:-])"), "[phone]"),
)

# Control characters, line and paragraph separators, and the signs that turn text around.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NAMED_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def redact_text(text: str) -> str:
    """`text` without credentials, e-mail addresses and phone numbers."""
    for pattern, replacement in _TEXT_RULES:
        text = pattern.sub(replacement, text)
    return text


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _NAMED_ESCAPES.get(character) or f"\\u{ord(character):04x}"


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """`text` cut to `limit` characters, with everything escaped that could forge a line."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit} more characters)"
    text = _UNSAFE.sub(_escape, text)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """Redacted, escaped and cut. Cut first: a megabyte from a charger must not cost a second."""
    excess = len(text) - limit
    cleaned = one_line(redact_text(text[:limit]), limit * 2)
    return cleaned if excess <= 0 else f"{cleaned}… ({excess} more characters)"


def clean(value: Any, depth: int = 0) -> Any:
    """A copy of `value` that may be logged: containers are walked to a bounded size and depth."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return _clean_mapping(value, depth)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return [clean(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
    return clean_text(str(value))


def _clean_mapping(mapping: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    named_secret = any(_NAMED_SECRET.match(str(item)) for item in mapping.values())
    cleaned: dict[str, Any] = {}
    for raw_key, value in list(mapping.items())[:MAX_ITEMS]:
        key = one_line(str(raw_key), 100)
        hides = is_secret_name(key) or (
            named_secret and key in ("value", "attributeValue", "attribute_value")
        )
        cleaned[key] = REDACTED if hides and value not in (None, "") else clean(value, depth + 1)
    return cleaned


def is_secret_name(name: str) -> bool:
    """Whether a value under this name is a credential or says who somebody is."""
    return bool(_SECRET_KEY.search(name) or _PERSONAL_KEY.search(name))
