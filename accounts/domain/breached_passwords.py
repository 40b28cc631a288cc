"""A set of passwords that were leaked, as one sorted file: small, offline, and not readable back.

After an 8-byte mark come the first 8 bytes of each password's SHA-1, ascending. SHA-1, because
that is what lists of leaked passwords are published as; here it is a fingerprint, no protection.
"""

import hashlib
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

MARK = b"LEAKED1\n"
WIDTH = 8
_HEX_SHA1 = 40


class NotThatFile(ValueError):
    """The file is no set of hashes."""


class BreachedPasswords:
    """The file at `path`, looked into without being loaded. Raises `OSError`, `NotThatFile`."""

    def __init__(self, path: Path) -> None:
        size = path.stat().st_size
        if size < len(MARK) or (size - len(MARK)) % WIDTH:
            raise NotThatFile(path)
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._bytes[: len(MARK)] != MARK:
            raise NotThatFile(path)
        self._count = (size - len(MARK)) // WIDTH

    def __len__(self) -> int:
        return self._count

    def __contains__(self, password: object) -> bool:
        wanted = fingerprint(str(password))
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            start = len(MARK) + middle * WIDTH
            found = self._bytes[start : start + WIDTH]
            if found == wanted:
                return True
            if found < wanted:
                low = middle + 1
            else:
                high = middle
        return False


def fingerprint(password: str) -> bytes:
    return hashlib.sha1(password.encode(), usedforsecurity=False).digest()[:WIDTH]


def fingerprints(lines: Iterable[str], *, minimum_count: int = 1) -> Iterator[bytes]:
    """Of lines that each hold a password, or a SHA-1 in hexadecimal with `:count` or without."""
    for line in lines:
        text = line.rstrip("\r\n")
        digest, _colon, count = text.partition(":")
        if len(digest) == _HEX_SHA1 and all(c in "0123456789abcdefABCDEF" for c in digest):
            if not count or int(count) >= minimum_count:
                yield bytes.fromhex(digest)[:WIDTH]
        elif text:
            yield fingerprint(text)


def write(path: Path, found: Iterable[bytes]) -> int:
    """Sort and store; how many there are."""
    unique = sorted(set(found))
    with path.open("wb") as file:
        file.write(MARK)
        file.writelines(unique)
    return len(unique)
