"""The port for text messages (SMS), and the back ends that need no provider.

`SMS_BACKEND` names the class. Empty: no messages go out and nobody can use a phone number.
"""

import json
from pathlib import Path
from typing import ClassVar, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from csms.common import clock
from csms.common.identifiers import uuid7

# A message counts as lost by whoever sent it after a minute; a back end gives up well before.
TIMEOUT_SECONDS = 10


class SmsSender(Protocol):
    """Hands one message to somebody who delivers it."""

    def send(self, number: str, text: str) -> None:
        """`number` in E.164. Returns once it is taken; raises `OSError` if it was not.

        Must not wait longer than `TIMEOUT_SECONDS`.
        """


class ConsoleSms:
    """Prints messages: for development, since codes stand there in the clear."""

    def send(self, number: str, text: str) -> None:
        print(f"SMS to {number}: {text}", flush=True)  # noqa: T201


class FileSms:
    """One JSON file per message under `SMS_FILE_PATH`, readable by its owner only."""

    def send(self, number: str, text: str) -> None:
        folder = Path(settings.SMS_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        at = clock.now()
        path = folder / f"{at:%Y%m%d-%H%M%S}-{uuid7()}.json"
        path.touch(mode=0o600)
        message = {"at": at.isoformat(), "number": number, "text": text}
        path.write_text(json.dumps(message, ensure_ascii=False))


class MemorySms:
    """Keeps messages in this process, for tests."""

    outbox: ClassVar[list[tuple[str, str]]] = []

    def send(self, number: str, text: str) -> None:
        self.outbox.append((number, text))


def is_available() -> bool:
    return bool(settings.SMS_BACKEND)


def sender() -> SmsSender:
    """The back end that `SMS_BACKEND` names."""
    return cast(SmsSender, import_string(settings.SMS_BACKEND)())
