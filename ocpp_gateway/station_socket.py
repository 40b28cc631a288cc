"""One charger's socket: what came in goes to its lane, what goes out is archived."""

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import InterfaceError, OperationalError

from chargepoints.domain.quirks import Quirks, Strictness
from csms.common.clock import now
from csms.common.errors import DomainError
from ocpp_gateway import dispatch, liveness
from ocpp_gateway.auth import Admission
from ocpp_gateway.clock_watch import ClockWatch
from ocpp_gateway.protocol.connection import (
    ACCEPTED,
    IncomingCall,
    IncomingError,
    IncomingResult,
    Received,
    Rejected,
    Repeated,
)
from ocpp_gateway.protocol.errors import ErrorCode
from ocpp_gateway.protocol.masking import mask
from ocpp_gateway.protocol.validation import Anomaly
from ocpp_gateway.services.archive import ArchiveRow
from ocpp_gateway.versions import ADAPTERS, Adapter

if TYPE_CHECKING:
    from ocpp_gateway.runtime import Runtime

logger = structlog.get_logger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]
UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012


class SocketClosed(Exception):
    """The socket is closed or belongs to somebody else by now: nothing may be sent on it."""


class StationSocket:
    """Holds the protocol state of one socket and performs the effects it asks for.

    `is_online`: commands may be sent: the charger has had its boot answered, or does not boot.
    `in_doubt_until`: its boot interrupted sessions, which readings until then take up again.
    `heard_at`: kept only of a charger whose pongs do not tell that it is there.
    `boot_trigger_id`: the message id of our last request for a boot, which may come to nothing.
    `will_boot_as_asked`: the charger has accepted it; a boot before that is its own.
    `quirks`: how the charger is known to deviate; None, as for most, costs nothing per message.
    """

    __slots__ = (
        "_is_close_sent",
        "_send",
        "_state",
        "adapter",
        "boot_trigger_id",
        "called_at",
        "clock",
        "connected_at",
        "core",
        "epoch",
        "has_booted",
        "heard_at",
        "identity",
        "in_doubt_until",
        "is_busy",
        "is_closed",
        "is_online",
        "is_trigger_asked",
        "operator_id",
        "quirks",
        "runtime",
        "station_id",
        "will_boot_as_asked",
    )

    def __init__(
        self,
        runtime: "Runtime",
        admission: Admission,
        send: Send,
        connected_at: datetime,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.runtime = runtime
        self.station_id = admission.station_id
        self.identity = admission.identity
        self.epoch = admission.lease.epoch
        self.operator_id = admission.operator_id
        self.adapter: Adapter = ADAPTERS[admission.subprotocol]
        self.core = self.adapter.connection(admission.registration)
        self.connected_at = self.heard_at = connected_at
        self.called_at = 0.0
        self.has_booted = self.is_online = self.is_trigger_asked = False
        self.will_boot_as_asked = False
        self.boot_trigger_id = ""
        self.is_busy = self.is_closed = self._is_close_sent = False
        self.in_doubt_until: datetime | None = None
        self._send = send
        self.clock: ClockWatch | None = None
        self._state = {} if state is None else state
        self.adopt(admission.quirks)

    def adopt(self, quirks: Quirks | None) -> None:
        """Treat the charger as its quirk profile says, from the next message on."""
        self.quirks = quirks
        self.core.is_strict = quirks is not None and quirks.strictness is Strictness.STRICT
        liveness.expect_pongs(self._state, quirks is None or not quirks.answers_no_pings)

    def take_missed_pings(self) -> int:
        """How many pings it was forgiven since the last call."""
        return liveness.take_missed_pings(self._state)

    # --- out

    async def accept(self, subprotocol: str | None) -> None:
        try:
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
        except (OSError, RuntimeError) as error:
            raise SocketClosed from error

    async def send_text(self, text: str) -> None:
        """Raise `SocketClosed` if the charger is gone."""
        if self.is_closed:
            raise SocketClosed
        try:
            await self._send({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError) as error:
            # What an ASGI server raises for a peer that has left differs; these are their bases.
            self.is_closed = True
            raise SocketClosed from error

    async def close(self, code: int, reason: str = "") -> None:
        """Close, once; whatever else wants to be sent on this socket is refused from now on."""
        if self._is_close_sent:
            return
        self.is_closed = self._is_close_sent = True
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except (OSError, RuntimeError) as error:
            logger.debug("close_after_the_peer", identity=self.identity, error=str(error))

    async def send_call(
        self, message_id: str, action: str, payload: dict[str, Any], at: datetime
    ) -> None:
        """Send a request of ours; raises what `Connection.open_call` raises, and `SocketClosed`."""
        text = self.core.open_call(message_id, action, payload, at)
        self.called_at = time.monotonic()
        self.archive("OUT", "CALL", action, message_id, text, at)
        await self.send_text(text)

    def archive(
        self,
        direction: str,
        kind: str,
        action: str,
        message_id: str,
        text: str,
        at: datetime,
        latency: float | None = None,
    ) -> None:
        self.runtime.telemetry.archive(
            self._row(direction, kind, action, message_id, text, at, latency)
        )

    def _row(
        self,
        direction: str,
        kind: str,
        action: str,
        message_id: str,
        text: str,
        at: datetime,
        latency: float | None = None,
    ) -> ArchiveRow:
        milliseconds = None if latency is None else round(latency * 1000)
        masked = mask(text, action)
        return ArchiveRow(
            at,
            self.station_id,
            self.epoch,
            direction,
            kind,
            action,
            message_id,
            masked,
            milliseconds,
        )

    # --- in

    async def receive(self, text: str) -> None:
        """Handle one frame to its end: the answer is sent, or nothing is owed."""
        at = now()
        self.runtime.presence.seen[self.station_id] = at
        received = self.core.receive_text(text, at)
        kind = type(received)
        if kind is IncomingCall:
            await self._call(received)  # type: ignore[arg-type]
        else:
            await self._other(received, text, at)

    async def _call(self, call: IncomingCall) -> None:
        started = time.monotonic()
        row = self._row("IN", "CALL", call.action, call.message_id, call.text, call.received_at)
        try:
            reply = await dispatch.handle(self, call, row)
        except Exception as error:
            await self._fail(call, error, started)
            return
        await self.send_text(reply)
        self._archive_reply("CALLRESULT", call, reply, time.monotonic() - started)
        self._note_registration(call.action)
        await dispatch.follow_up(self, call.action)

    def _archive_reply(self, kind: str, call: IncomingCall, reply: str, latency: float) -> None:
        answered_at = call.received_at + timedelta(seconds=latency)
        self.archive("OUT", kind, call.action, call.message_id, reply, answered_at, latency)

    async def _fail(self, call: IncomingCall, error: Exception, started: float) -> None:
        """Say that nothing was stored: the charger repeats what matters.

        What a service refuses is the charger's own fault, and repeating it would not help.
        """
        if isinstance(error, DomainError):
            logger.warning(
                "call_refused", identity=self.identity, action=call.action, reason=error.detail
            )
            self.note_anomalies(
                [Anomaly("call_refused", f"{call.action}: {error.detail}")], call.received_at
            )
            reply = self.core.fail(call, ErrorCode.PROPERTY_VIOLATION, error.detail)
            await self._send_error(call, reply, started)
            return
        # With the database down every charger fails the same way, and one line each is enough.
        is_outage = isinstance(error, OperationalError | InterfaceError)
        logger.error(
            "call_failed",
            identity=self.identity,
            action=call.action,
            error=str(error),
            exc_info=None if is_outage else error,
        )
        reply = self.core.fail(call, ErrorCode.INTERNAL_ERROR, "Not stored. Please repeat it.")
        await self._send_error(call, reply, started)

    async def _send_error(self, call: IncomingCall, reply: str, started: float) -> None:
        self._archive_reply("CALLERROR", call, reply, time.monotonic() - started)
        await self.send_text(reply)

    def _note_registration(self, action: str) -> None:
        """Commands may flow after the boot's answer, or when a charger goes on without a boot."""
        if action == "BootNotification":
            self.has_booted = True
        elif self.is_online or self.core.registration != ACCEPTED:
            return
        self.is_online = True
        self.runtime.outbox.look(self.station_id)

    async def _other(self, received: Received, text: str, at: datetime) -> None:
        if isinstance(received, Repeated):
            self.archive("IN", "CALL", received.action, received.message_id, text, at)
            if received.reply_text is not None:
                await self.send_text(received.reply_text)
                self.archive(
                    "OUT",
                    "CALLRESULT",
                    received.action,
                    received.message_id,
                    received.reply_text,
                    at,
                )
        elif isinstance(received, Rejected):
            kind = "CALL" if received.action else "MALFORMED"
            self.archive("IN", kind, received.action, received.message_id, text, at)
            logger.warning("frame_rejected", identity=self.identity, reason=received.reason)
            if received.reply_text is not None:
                await self.send_text(received.reply_text)
                self.archive(
                    "OUT",
                    "CALLERROR",
                    received.action,
                    received.message_id,
                    received.reply_text,
                    at,
                )
        elif isinstance(received, IncomingResult | IncomingError):
            await self._answer(received, text, at)

    async def _answer(
        self, received: IncomingResult | IncomingError, text: str, at: datetime
    ) -> None:
        is_error = isinstance(received, IncomingError)
        latency = None
        if received.action and not received.is_late:
            latency = time.monotonic() - self.called_at
        kind = "CALLERROR" if is_error else "CALLRESULT"
        self.archive("IN", kind, received.action, received.message_id, text, at, latency)
        if isinstance(received, IncomingResult):
            self.note_anomalies(received.anomalies, at)
        await self.runtime.outbox.answered(self, received, at)

    def note_anomalies(self, anomalies: Iterable[Anomaly], at: datetime) -> None:
        """Count tolerated deviations; they are written with the tick, not with the message."""
        for kind, detail in anomalies:
            self.runtime.presence.deviated(self.station_id, kind, detail, at)
