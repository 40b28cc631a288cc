"""uvicorn's WebSocket protocol, with a short way for what nearly every frame is.

A charger sends whole, masked text frames, one at a time, and gets whole text frames back. These
pass here without the generators, frame objects and queues that cover everything else; whatever is
not exactly that takes uvicorn's and websockets' own way.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.streams import StreamReader

from csms import tls
from ocpp_gateway import liveness

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled extension on this platform
    from websockets.utils import apply_mask

# Who sends a frame byte by byte only wants to keep a socket occupied.
PATIENCE_SECONDS = 10
LEAST_BYTES = 1_000
# Frames of one socket that wait to be handled. uvicorn stops reading after each, which costs two
# system calls a message; chargers have one in flight, or a few after an outage.
MOST_UNREAD = 8
# How long a peer may take to read why we close.
LINGER_SECONDS = 2

_WHOLE_TEXT_FRAME = 0x81
_WHOLE_PONG = 0x8A
_MASKED = 0x80
_TWO_BYTE_LENGTH = 126
_MASK_BYTES = 4
# uvicorn's pings carry so much, and their pongs bring it back.
_PING_BYTES = 4
_LONGEST_SHORT_FRAME = 0xFFFF
_AT_FRAME_START = StreamReader.at_eof.__code__


class Inbox:
    """The events of one socket, for its one reader: asyncio.Queue costs 2 KB more for each."""

    __slots__ = ("_events", "_waiting")

    def __init__(self) -> None:
        self._events: list[Any] = []
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, event: Any) -> None:
        self._events.append(event)
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def get(self) -> Any:
        while not self._events:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._events.pop(0)

    def empty(self) -> bool:
        return not self._events

    def __len__(self) -> int:
        return len(self._events)


class Gate:
    """Whether the transport takes more; an asyncio.Event for each socket costs 1 KB."""

    __slots__ = ("_is_open", "_waiting")

    def __init__(self) -> None:
        self._is_open = True
        self._waiting: list[asyncio.Future[None]] | None = None

    def is_set(self) -> bool:
        return self._is_open

    def set(self) -> None:
        self._is_open = True
        waiting, self._waiting = self._waiting, None
        for future in waiting or ():
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        self._is_open = False

    async def wait(self) -> bool:
        while not self._is_open:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting = [*(self._waiting or ()), future]
            await future
        return True


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One socket. It forgets its handshake: 3 of the KB that an idle one would cost.

    The application is told what certificate the client has (ASGI's TLS extension).
    """

    # A frame that has begun and is not complete: since when it is watched, and what came of it.
    _watch: asyncio.TimerHandle | None = None
    _received = 0
    # When the last message came, by the loop's clock.
    _heard_at = 0.0
    # When the connection ends even if the peer does not read what is on its way to it.
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue: Inbox = Inbox()  # type: ignore[assignment]
        self.writable: Gate = Gate()  # type: ignore[assignment]

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        session = self.transport.get_extra_info("ssl_object")
        if session is not None and self.response.status_code == 101:
            # The application starts with the loop's next turn.
            self.scope["extensions"]["tls"] = tls.extension(session)

    def start_keepalive(self) -> None:
        """Called once the upgrade is answered; nothing looks at request and response after it."""
        super().start_keepalive()
        del self.request, self.response

    def send_keepalive_ping(self) -> None:
        """Ask only who was silent for the whole interval: what came says as much as a pong."""
        interval = self.ping_interval or 0.0
        silent = self.loop.time() - self._heard_at
        if silent < interval:
            self.ping_timer = self.loop.call_later(interval - silent, self.send_keepalive_ping)
        else:
            super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Go on pinging a charger that is known to answer none: the gateway watches it."""
        if not liveness.forgives_missed_ping(self.scope["state"]):
            super().keepalive_timeout()
            if self.transport.get_write_buffer_size():
                # It had all the time of the ping to read: closing would wait for it for ever, and
                # with it whoever is in `send`.
                self.transport.abort()
            return
        self.pong_timer = self.pending_ping_payload = None
        self.schedule_ping()

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent and self.conn.state is not OPEN:
            # The peer was first with its close, which was answered: uvicorn would raise, and
            # nobody else be told that the server stops.
            self.stop_keepalive()
            self.transport.close()
        else:
            super().shutdown()
        self._end_within(LINGER_SECONDS)

    def _end_within(self, seconds: float) -> None:
        """A closed transport still waits until its buffer is read: that long, and no longer."""
        if self._deadline is not None:
            self._deadline.cancel()
        if not self.disconnected:
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

    # --- in

    def data_received(self, data: bytes) -> None:
        if self._is_at_frame_start() and (
            self._take_whole_text_frame(data) or self._take_pong(data)
        ):
            return
        super().data_received(data)
        if self.conn.reader.buffer:
            self._received += len(data)
            if self._watch is None:
                self._watch = self.loop.call_later(PATIENCE_SECONDS, self._look)
        elif self._watch is not None:
            self._unwatch()

    def _is_at_frame_start(self) -> bool:
        """Whether the parser has nothing begun: no frame, no message of several frames."""
        conn = self.conn
        if conn.state is not OPEN or conn.current_size is not None or not self.handshake_complete:
            return False
        # The server's parser waits in that of both sides, and that one for a first byte.
        parser: Any = conn.parser
        inner = parser.gi_yieldfrom
        waits_in = None if inner is None else inner.gi_yieldfrom
        return waits_in is not None and waits_in.gi_code is _AT_FRAME_START

    def _take_whole_text_frame(self, data: bytes) -> bool:
        """Queue the text if `data` is one whole text frame and nothing else; else touch nothing."""
        size = len(data)
        if size < 2 + _MASK_BYTES or data[0] != _WHOLE_TEXT_FRAME:
            return False
        length = data[1] - _MASKED
        start = 2
        if length == _TWO_BYTE_LENGTH:
            length = int.from_bytes(data[2:4])
            start = 4
        elif not 0 <= length < _TWO_BYTE_LENGTH:
            return False
        if size != start + _MASK_BYTES + length or self._is_too_long(length):
            return False
        mask_end = start + _MASK_BYTES
        try:
            text = apply_mask(data[mask_end:], data[start:mask_end]).decode()
        except UnicodeDecodeError:
            return False
        self._heard_at = self.loop.time()
        if not self.close_sent:
            self.queue.put_nowait({"type": "websocket.receive", "text": text})
            if len(self.queue) >= MOST_UNREAD and not self.read_paused:
                self.read_paused = True
                self.transport.pause_reading()
        return True

    def _take_pong(self, data: bytes) -> bool:
        """Take the answer to a ping if that is all that `data` is; else touch nothing."""
        if len(data) != 2 + _MASK_BYTES + _PING_BYTES or data[0] != _WHOLE_PONG:
            return False
        if data[1] != _MASKED | _PING_BYTES:
            return False
        mask_end = 2 + _MASK_BYTES
        self.handle_pong(Frame(Opcode.PONG, apply_mask(data[mask_end:], data[2:mask_end])))
        return True

    def _is_too_long(self, length: int) -> bool:
        most = self.conn.max_message_size
        return most is not None and length > most

    def _look(self) -> None:
        """Go on waiting for what grows, and for what we ourselves do not read."""
        if self._received < LEAST_BYTES and not self.read_paused:
            self._unwatch()
            self.transport.abort()
            return
        self._received = 0
        self._watch = self.loop.call_later(PATIENCE_SECONDS, self._look)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = None
        self._received = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().connection_lost(exc)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._end_within(LINGER_SECONDS)

    def handle_parser_exception(self) -> None:
        """Say why, and read on for a moment.

        Closing a socket with unread data resets it, and the peer, in the middle of its oversize
        frame, would never see the reason.
        """
        if self.close_sent:
            return
        reason = self.conn.close_sent
        if reason is not None:
            event = {"type": "websocket.disconnect", "code": reason.code, "reason": reason.reason}
            self.queue.put_nowait(event)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        self._end_within(2 * LINGER_SECONDS)

    # --- out

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send" and self._may_write():
            text = message.get("text")
            if text is not None:
                self.transport.write(_text_frame(text.encode()))
                return
        is_close = message["type"] == "websocket.close"
        if is_close:
            self._end_within(self.close_timeout)
        await super().send(message)
        if is_close:  # it is on its way only now
            self._end_within(self.close_timeout + LINGER_SECONDS)
        if self.initial_response is not None and self.close_sent:
            # A refusal is an answer: uvicorn would log each as an error of the application.
            self.handshake_complete = True

    def _may_write(self) -> bool:
        return (
            self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and self.initial_response is None
            and self.conn.state is OPEN
            and not self.conn.extensions
            and self.writable.is_set()
        )


def _text_frame(payload: bytes) -> bytes:
    """A whole, unmasked text frame (RFC 6455 §5.2)."""
    length = len(payload)
    if length < _TWO_BYTE_LENGTH:
        return bytes((_WHOLE_TEXT_FRAME, length)) + payload
    if length <= _LONGEST_SHORT_FRAME:
        return bytes((_WHOLE_TEXT_FRAME, _TWO_BYTE_LENGTH)) + length.to_bytes(2) + payload
    return bytes((_WHOLE_TEXT_FRAME, 127)) + length.to_bytes(8) + payload
