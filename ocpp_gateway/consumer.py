"""The charger's side of the gateway as a Channels consumer: handshake, receive loop, end."""

import asyncio
from typing import Any

import structlog
from channels.consumer import AsyncConsumer
from django.conf import settings
from django.db import Error as DatabaseFailure

from csms.common.api.addresses import address_group
from csms.common.clock import now
from ocpp_gateway import runtime as runtimes
from ocpp_gateway.auth import Admission, admit, refused_unseen
from ocpp_gateway.credentials import Refusal
from ocpp_gateway.handshake import UpgradeRequest, read_upgrade, refuse
from ocpp_gateway.limits import TooManyWaiting
from ocpp_gateway.runtime import Runtime
from ocpp_gateway.station_socket import (
    SERVICE_RESTART,
    UNSUPPORTED_DATA,
    Send,
    SocketClosed,
    StationSocket,
)

logger = structlog.get_logger(__name__)
PROTOCOL_ERROR = 1002
MESSAGE_TOO_BIG = 1009
ABNORMAL_CLOSURE = 1006
# Every refusal takes as long, whatever was checked for it: how long must not tell who exists.
REFUSAL_SECONDS = 0.1


async def wait_until(moment: float) -> None:
    """Return at `moment` by the event loop's clock, at once if it is over."""
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))


class OcppConsumer(AsyncConsumer):
    """One charger's socket, from the upgrade to its end.

    Replaces Channels' own loop: that one subscribes every socket to the channel layer and hops to
    a thread for every message. Here one frame is handled to its end, then the next is read; the
    charger's answers to our requests are frames like any other, so nothing ever waits for one.
    """

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        await receive()  # websocket.connect
        runtime = await runtimes.current()
        admission = await self._admit(runtime, scope, send)
        if admission is None:
            return
        if not admission.subprotocol:
            await send({"type": "websocket.accept", "subprotocol": None})
            await send({"type": "websocket.close", "code": PROTOCOL_ERROR})
            return
        # The server keeps the scope as long as the socket lives; what let it in is done with.
        scope["headers"] = []
        scope.get("extensions", {}).pop("tls", None)
        socket = StationSocket(runtime, admission, send, now(), scope.get("state"))
        await self._serve(socket, admission, receive)

    async def _admit(self, runtime: Runtime, scope: dict[str, Any], send: Send) -> Admission | None:
        """Return the admission, or None after the refusal was sent."""
        began = runtime.loop.time()
        request = read_upgrade(scope)
        outcome: Admission | Refusal
        if request is None:
            outcome = Refusal(404, "no_such_address")
        elif runtime.is_draining:
            outcome = Refusal(503, "shutting_down")
        else:
            outcome = await self._ask(runtime, request)
        if isinstance(outcome, Admission):
            return outcome
        logger.warning(
            "connection_refused",
            status=outcome.status,
            reason=outcome.reason,
            detail=outcome.detail,
            identity=request.identity if request else scope.get("path", "")[:100],
            address=request.address if request else "",
        )
        await wait_until(began + REFUSAL_SECONDS)
        await refuse(scope, send, outcome.status)
        return None

    async def _ask(self, runtime: Runtime, request: UpgradeRequest) -> Admission | Refusal:
        if refused := refused_unseen(request, now()):
            return refused
        try:
            async with runtime.gate.passage(address_group(request.address)):
                return await runtime.business.call(admit, request, runtime.node_id, now())
        except TooManyWaiting:
            return Refusal(503, "too_many_of_the_address_wait")
        except DatabaseFailure as error:
            return Refusal(503, f"database: {error}")

    async def _serve(self, socket: StationSocket, admission: Admission, receive: Any) -> None:
        code: int | None = ABNORMAL_CLOSURE
        runtime = socket.runtime
        try:
            runtime.welcome(socket, admission.lease.rival is not None)
            if not socket.is_closed:
                await socket.accept(admission.echo)
                code = await self._receive_loop(socket, receive)
        except SocketClosed:
            logger.debug("charger_left", identity=socket.identity)
        finally:
            await runtime.part(socket, code)

    async def _receive_loop(self, socket: StationSocket, receive: Any) -> int | None:
        """Handle frames until the socket ends; return the close code."""
        runtime = socket.runtime
        telemetry = runtime.telemetry
        most_characters = settings.OCPP_MAX_FRAME_BYTES
        while True:
            if telemetry.is_full:
                await telemetry.room()
            event = await receive()
            if event["type"] == "websocket.disconnect":
                close_code: int | None = event.get("code")
                return close_code
            text = event.get("text")
            if text is None:
                await socket.close(UNSUPPORTED_DATA, "text frames only")
            elif len(text) > most_characters:
                # A server that was not started with our limit lets longer ones through.
                await socket.close(MESSAGE_TOO_BIG, f"at most {most_characters} bytes")
            elif not socket.is_closed:
                socket.is_busy = True
                await socket.receive(text)
                socket.is_busy = False
                if runtime.is_draining:
                    await socket.close(SERVICE_RESTART, "service restart")
