"""The ids of events: they grow, and say what the state was.

An id is the millisecond of the event and a digest of the state after it. A client that comes back
with one, to whichever process, has missed something exactly if the digest is another by now.
"""

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

_DIGEST_BYTES = 6
_ID = re.compile(r"^([0-9]{13})-([0-9a-f]{12})$")


@dataclass(frozen=True, slots=True)
class EventId:
    milliseconds: int
    digest: str

    def __str__(self) -> str:
        return f"{self.milliseconds:013}-{self.digest}"


def read_id(text: str) -> EventId | None:
    """None for what is no id of ours: then there is nothing to resume from."""
    match = _ID.match(text)
    return None if match is None else EventId(int(match[1]), match[2])


def digest_of(before: str | None, *, gone: Iterable[bytes], come: Iterable[bytes]) -> str:
    """Of a set of parts, from that of the set before it; None: that was empty.

    A sum over the parts, so that it costs what has changed and is the same whatever came first.
    """
    total = 0 if before is None else int(before, 16)
    total += sum(map(_number_of, come)) - sum(map(_number_of, gone))
    return f"{total % (1 << 8 * _DIGEST_BYTES):0{2 * _DIGEST_BYTES}x}"


def _number_of(part: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(part, digest_size=_DIGEST_BYTES).digest())


def following(milliseconds: int) -> int:
    """The time, but later than `milliseconds`, whatever the clock says."""
    return max(time.time_ns() // 1_000_000, milliseconds + 1)
