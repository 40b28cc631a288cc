"""Secrets out of JSON values: what is queued for a charger, sent to it, or answered by it."""

import re
from typing import Any, Final

MASK: Final = "***"
# Parts of field names and configuration keys, in lower case and without separators.
SECRET_WORDS: Final = (
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


def mask_id_token(token: str) -> str:
    """The last four characters, '' of '': who knows the whole number can make a card with it."""
    if not token:
        return ""
    return f"…{token[-4:]}" if len(token) > 4 else "…"


def mask_value(value: Any) -> Any:
    """Return a JSON value (a payload, an answer) without its secrets."""
    if isinstance(value, dict):
        return _mask_object(value)
    if isinstance(value, list):
        return [mask_value(item) for item in value]
    return mask_urls(value) if isinstance(value, str) else value


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
    return any(word in plain for word in SECRET_WORDS)


def mask_urls(text: str) -> str:
    if "://" not in text:
        return text
    return _URL_QUERY.sub(rf"\1{MASK}", _URL_PASSWORD.sub(rf"\1:{MASK}@", text))
