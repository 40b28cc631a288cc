"""A real server on a free loopback port, and a charger's side of the wire to talk to it."""

import asyncio
import base64
import contextlib
import itertools
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chargepoints.models import Station
from tests.support.factories import STATION_PASSWORD

WAIT_SECONDS = 10.0
# A TLS handshake that the server ends is seen before, while or after the request is sent.
NO_HANDSHAKE = (ssl.SSLError, ConnectionError, ConnectionClosed, InvalidMessage)
BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}
_ids = itertools.count(1)


def until(condition: Callable[[], Any], timeout: float = WAIT_SECONDS) -> Any:
    """Return the first true value of `condition`; what the server does shows in the database."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "The condition did not become true in time."
        time.sleep(0.01)
    return value


class GatewayServer:
    """uvicorn with the real application, in a thread of its own; with `context` it ends TLS."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        from csms.server import Server, configure

        self._loop_factory = loop_factory
        self._scheme = "ws" if context is None else "wss"

        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._server = Server(configure("127.0.0.1", self.port, context=context))
        self._thread = threading.Thread(target=self._run, name="test-server")

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(self._server.serve(sockets=[self._listener]))

    def start(self) -> None:
        self._thread.start()
        until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive(), "The server did not stop."

    @property
    def address(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"


@contextlib.contextmanager
def running_server(
    context: ssl.SSLContext | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Iterator[GatewayServer]:
    server = GatewayServer(context, loop_factory)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def basic(user: str, password: str | bytes) -> dict[str, str]:
    raw = password.encode() if isinstance(password, str) else password
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + raw).decode()}


class Charger:
    """One socket of a charger that speaks raw frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, frame: Any) -> None:
        self.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    def receive(self, timeout: float = WAIT_SECONDS) -> Any:
        return json.loads(self.connection.recv(timeout))

    def exchange(self, frame: Any) -> Any:
        self.send(frame)
        return self.receive()

    def call(self, action: str, payload: Any, message_id: str = "") -> Any:
        """Send a CALL and return the payload of its CALLRESULT."""
        message_id = message_id or str(next(_ids))
        answer = self.exchange([2, message_id, action, payload])
        assert answer[:2] == [3, message_id], answer
        return answer[2]

    def boot(self, **fields: Any) -> Any:
        return self.call("BootNotification", {**BOOT, **fields})

    def start(self, token: str = "CARD", meter: int = 0, **fields: Any) -> Any:
        return self.call("StartTransaction", start_of(token, meter, **fields))

    def stop(self, transaction_id: int, meter: int, **fields: Any) -> Any:
        return self.call("StopTransaction", stop_of(transaction_id, meter, **fields))

    def send_raw(self, data: bytes) -> None:
        """Send bytes below the WebSocket: frames that no client would make."""
        self.connection.socket.sendall(data)

    def close_code(self) -> int | None:
        """Wait for the server to close and return its code."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.connection.recv(WAIT_SECONDS)
        return self.connection.close_code


def frame_head(size: int, first: int = 0x81) -> bytes:
    """How a frame of `size` bytes begins; its mask changes nothing. `first` says what it is.

    Who has sent no more than this has nothing on its way that could reset the connection before
    the server's close is read.
    """
    return bytes([first, 0xFF]) + size.to_bytes(8) + bytes(4)


def start_of(token: str, meter: int, **fields: Any) -> dict[str, Any]:
    return {
        "connectorId": 1,
        "idTag": token,
        "meterStart": meter,
        "timestamp": timestamp(),
        **fields,
    }


def stop_of(transaction_id: int, meter: int, **fields: Any) -> dict[str, Any]:
    return {
        "transactionId": transaction_id,
        "meterStop": meter,
        "timestamp": timestamp(),
        **fields,
    }


def timestamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Address(Protocol):
    """Where chargers connect: a server, or what stands in front of one."""

    @property
    def address(self) -> str: ...


@contextlib.contextmanager
def charger(
    server: Address,
    station: Station | str,
    *,
    path: str = "",
    password: str | bytes | None = STATION_PASSWORD,
    user: str = "",
    subprotocols: list[str] | None = None,
    headers: dict[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> Iterator[Charger]:
    """A connected charger. `subprotocols` [] offers none; the default is 1.6. `context`: for TLS.

    Raises `InvalidStatus` if it is refused before the upgrade.
    """
    identity = station if isinstance(station, str) else station.identity
    offered = ["ocpp1.6"] if subprotocols is None else subprotocols
    credentials = {} if password is None else basic(user or identity, password)
    with connect(
        server.address + (path or f"/ocpp/{identity}"),
        subprotocols=offered or None,  # type: ignore[arg-type]
        additional_headers={**credentials, **(headers or {})},
        compression=None,
        ssl=context,
        open_timeout=WAIT_SECONDS,
        close_timeout=2,
    ) as connection:
        yield Charger(connection)


def refused(server: Address, station: Station | str, **options: Any) -> int:
    """The HTTP status with which the charger is refused."""
    with pytest.raises(InvalidStatus) as error, charger(server, station, **options):
        pytest.fail("The charger was let in.")
    return error.value.response.status_code
