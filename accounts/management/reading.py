"""Files that a command is given by name, or on standard input as `-`."""

import sys
from pathlib import Path

from django.core.management.base import CommandError


def read_file(name: str) -> bytes:
    """The file's bytes; `CommandError` that names it if it cannot be read."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"Cannot read {name}: {error.strerror}.") from error
