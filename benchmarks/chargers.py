"""One charger of the load: its meter, its acknowledged samples and its WebSocket."""

import asyncio
import uuid
from array import array
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks import messages

HANDSHAKE_TIMEOUT_SECONDS = 60
CALL_TIMEOUT_SECONDS = 60
OFFLINE_FOR = timedelta(hours=44)

# What is told of an answered CALL: the answer's frame, and the moment it came.
OnAnswer = Callable[[list[Any], float], None]


class Refused(RuntimeError):
    """The server answered a CALL with anything but the CALLRESULT that the load expects."""


class Charger(WSListener):
    """It keeps its meter and its transaction while its sockets come and go.

    Like a real one it has one CALL in flight at most. `acknowledged` holds the energy register
    value of every sample that the server has confirmed.
    """

    def __init__(self, identity: str, password: str, id_tag: str) -> None:
        super().__init__()
        self.identity = identity
        self.password = password
        # Of its own: the CSMS does not accept one card at two chargers at a time.
        self.id_tag = id_tag
        self.energy_wh = 0
        self.transaction_id = 0
        self.acknowledged = array("q")
        self.refusals: list[str] = []
        self.is_lost = False
        self.calls_from_server = 0
        self._session_clock = datetime.now(UTC) - OFFLINE_FOR
        self._transport: WSTransport | None = None
        self._id_prefix = ""
        self._sequence = 0
        self._open_id = ""
        self._on_answer: OnAnswer | None = None

    # --- socket

    async def connect(self, base_url: str) -> None:
        """Open the socket, with Basic authentication; raises what picows raises on refusal."""
        credentials = b64encode(f"{self.identity}:{self.password}".encode()).decode()
        # Ids as long as the UUIDs that most chargers use, and new after every reconnect.
        self._id_prefix = str(uuid.uuid4())[:24]
        self._sequence = 0
        await ws_connect(
            lambda: self,
            f"{base_url}/{self.identity}",
            websocket_handshake_timeout=HANDSHAKE_TIMEOUT_SECONDS,
            read_buffer_init_size=1024,
            extra_headers={
                "Authorization": f"Basic {credentials}",
                "Sec-WebSocket-Protocol": "ocpp1.6",
            },
        )

    async def disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.send_close()
            transport.disconnect()
            await transport.wait_disconnected()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._transport is transport:
            self._transport = None
            self.is_lost = True

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            self._receive(orjson.loads(frame.get_payload_as_bytes()))
        elif frame.msg_type is WSMsgType.CLOSE:
            self.refusals.append(f"closed {frame.get_close_code()} {frame.get_close_reason()}")
            transport.disconnect()

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    # --- RPC

    @property
    def is_busy(self) -> bool:
        return self._on_answer is not None

    def send_call(self, action: str, payload: str, on_answer: OnAnswer) -> None:
        """Send a CALL; `on_answer` is called once it is answered."""
        if self._transport is None:
            raise Refused(f"{self.identity} has lost its socket: {self.refusals[-1:]}")
        self._sequence += 1
        self._open_id = f"{self._id_prefix}{self._sequence:012d}"
        self._on_answer = on_answer
        text = f'[2,"{self._open_id}","{action}",{payload}]'
        self._transport.send(WSMsgType.TEXT, text.encode())

    async def call(self, action: str, payload: str) -> dict[str, Any]:
        """Send a CALL and wait for its CALLRESULT's payload; `Refused` on anything else."""
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self.send_call(action, payload, lambda frame, _at: answer.set_result(frame))
        async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
            frame = await answer
        if frame[0] != 3:
            raise Refused(f"{self.identity}: {action} was answered {frame}")
        result: dict[str, Any] = frame[2]
        return result

    def _receive(self, frame: list[Any]) -> None:
        if frame[0] == 2:
            self.calls_from_server += 1
            self._refuse_call(frame[1])
            return
        on_answer = self._on_answer
        if frame[1] != self._open_id or on_answer is None:
            self.refusals.append(f"unexpected {frame}")
            return
        self._on_answer = None
        if frame[0] != 3:
            self.refusals.append(str(frame))
        on_answer(frame, perf_counter())

    def _refuse_call(self, message_id: str) -> None:
        if self._transport is not None:
            self._transport.send(
                WSMsgType.TEXT, orjson.dumps([4, message_id, "NotImplemented", "", {}])
            )

    # --- what a charger does

    async def boot(self) -> None:
        answer = await self.call("BootNotification", messages.boot())
        if answer["status"] != "Accepted":
            raise Refused(f"{self.identity}: boot was answered {answer}")

    def next_samples(self, count: int) -> list[int]:
        """Energy register values that no earlier sample of this charger had."""
        first = self.energy_wh + 1
        self.energy_wh += count
        return list(range(first, first + count))

    def next_session_start(self) -> datetime:
        """When the next of the sessions began that this charger has stored while offline."""
        started_at = self._session_clock
        self._session_clock += messages.SESSION_LENGTH
        if self._session_clock > datetime.now(UTC):
            raise ValueError("The load has run out of past: fewer runs or shorter ones, please.")
        return started_at
