"""kombu's broker made of files, with whole messages only.

kombu creates a message under its final name and writes it afterwards, so a worker that looks in
between takes an empty file and ends on it. Here a message gets its name when it is complete.
"""

import os
import time
import uuid
from pathlib import Path
from typing import Any

import orjson
from kombu.exceptions import ChannelError
from kombu.transport import filesystem


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}"
        # Its name matches no queue: `_get` wants everything behind the first dot to be `QUEUE.msg`.
        draft = folder / f"{name}.draft"
        try:
            draft.write_bytes(orjson.dumps(payload))
            os.replace(draft, folder / f"{name}.{queue}.msg")
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {folder}") from error


class Transport(filesystem.Transport):
    Channel = Channel
