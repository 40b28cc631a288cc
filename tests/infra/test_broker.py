"""The broker of the embedded mode: what is sent arrives whole, once, in another process' reach."""

import threading
from pathlib import Path

from kombu import Connection
from kombu.simple import SimpleQueue

from csms.settings.backends import celery_broker

MESSAGES = 200


def connect(folder: Path) -> Connection:
    config = celery_broker("", folder)
    return Connection(
        config["CELERY_BROKER_URL"],
        transport=config["CELERY_BROKER_TRANSPORT"],
        transport_options=config["CELERY_BROKER_TRANSPORT_OPTIONS"],
    )


def test_a_reader_never_sees_half_a_message(tmp_path: Path) -> None:
    def send() -> None:
        with connect(tmp_path) as connection, connection.SimpleQueue("celery") as queue:
            for number in range(MESSAGES):
                queue.put({"number": number, "filling": "x" * 20_000})

    received: list[int] = []
    with connect(tmp_path) as connection:
        queue: SimpleQueue = connection.SimpleQueue("celery")
        sender = threading.Thread(target=send)
        sender.start()
        while len(received) < MESSAGES:
            message = queue.get(timeout=10)
            received.append(message.payload["number"])
            message.ack()
        sender.join()
        queue.close()
    assert sorted(received) == list(range(MESSAGES))
    assert not list((tmp_path / "broker" / "messages").iterdir())
