"""Secrets out of frames before they are archived, shown or logged."""

import re
from typing import Final

import orjson

from csms.common.masking import MASK, SECRET_WORDS, mask_urls, mask_value
from ocpp_gateway.protocol.frames import storable

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
_WORDS: Final = "|".join(SECRET_WORDS)
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


def _mask_pattern(text: str) -> str:
    text = _BROKEN_FIELD.sub(rf'\1"{MASK}"', text)
    return mask_urls(_BROKEN_PAIR.sub(rf'\1"{MASK}"', text))
