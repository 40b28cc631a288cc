"""Secrets out of frames before they are archived, shown or logged."""

import re
from typing import Any, Final

import orjson

from ocpp_gateway.protocol.frames import storable

MASK: Final = "***"
# The bulk of the traffic, whose fields can hold no secret: not even looked at.
_HARMLESS: Final = frozenset(
    {
        "Authorize",
        "BootNotification",
        "Heartbeat",
        "MeterValues",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
    }
)
# Parts of field names and configuration keys, in lower case and without separators.
_SECRET_WORDS: Final = (
    "authorizationkey",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "privatekey",
    "apikey",
    "presharedkey",
)
# A value whose name stands in a field beside it: 1.6's key/value, 2.x's variable/attributeValue.
_NAMED_VALUES: Final = ("value", "attributeValue", "data")
_URL_PASSWORD: Final = re.compile(r"(://[^/\s:@\"\\]*):[^/\s@\"\\]*@")
_URL_QUERY: Final = re.compile(
    r"([?&](?:sig|signature|token|key|password|secret|x-amz-[a-z-]+)=)[^&\s\"\\]+", re.IGNORECASE
)
_WORDS: Final = "|".join(_SECRET_WORDS)
# For text that is not JSON. Every repetition is bounded or possessive, so that no text, however
# long and odd, takes more than linear time.
_BROKEN_VALUE: Final = r'"(?:[^"\\]|\\.)*+\\?"?'
_BROKEN_FIELD: Final = re.compile(
    rf'((?:{_WORDS})[^"]{{0,40}}"\s{{0,8}}:\s{{0,8}}){_BROKEN_VALUE}', re.IGNORECASE
)
_BROKEN_PAIR: Final = re.compile(
    rf'((?:{_WORDS})[^"]{{0,40}}"\s{{0,8}},\s{{0,8}}"value"\s{{0,8}}:\s{{0,8}}){_BROKEN_VALUE}',
    re.IGNORECASE,
)


def mask(text: str, action: str) -> str:
    """Return a frame's text without its secrets and fit for every database.

    `action` is empty where it is not known. A text without secrets comes back as it is; one that is
    not JSON is masked by pattern.
    """
    text = storable(text)
    if action in _HARMLESS:
        return text
    try:
        frame = orjson.loads(text)
        masked = mask_value(frame)
        return text if masked == frame else orjson.dumps(masked).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return _mask_pattern(text)


def mask_value(value: Any) -> Any:
    """Return a JSON value (a payload, an answer) without its secrets."""
    if isinstance(value, dict):
        return _mask_object(value)
    if isinstance(value, list):
        return [mask_value(item) for item in value]
    return _mask_urls(value) if isinstance(value, str) else value


def _mask_object(value: dict[str, Any]) -> dict[str, Any]:
    names_secret = is_secret_name(_name_of(value))
    masked = {}
    for name, item in value.items():
        hides = is_secret_name(name) or (names_secret and name in _NAMED_VALUES)
        masked[name] = MASK if hides and isinstance(item, str | int) else mask_value(item)
    return masked


def _name_of(value: dict[str, Any]) -> str:
    variable = value.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else value.get("key")
    return name if isinstance(name, str) else ""


def is_secret_name(name: str) -> bool:
    """Whether a field or configuration key of this name holds a secret."""
    plain = name.lower().replace("_", "").replace("-", "").replace(" ", "")
    return any(word in plain for word in _SECRET_WORDS)


def _mask_urls(text: str) -> str:
    if "://" not in text:
        return text
    return _URL_QUERY.sub(rf"\1{MASK}", _URL_PASSWORD.sub(rf"\1:{MASK}@", text))


def _mask_pattern(text: str) -> str:
    text = _BROKEN_FIELD.sub(rf'\1"{MASK}"', text)
    return _mask_urls(_BROKEN_PAIR.sub(rf'\1"{MASK}"', text))
