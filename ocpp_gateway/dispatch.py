"""Where each kind of message goes: one table, neutral input -> lane and handler."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from django.db import transaction

from accounts.domain.states import Authorization
from accounts.services.authorization import AuthorizationResult
from chargepoints.domain.reports import (
    BootReport,
    ProgressReport,
    SecurityReport,
    SigningRequest,
    StatusReport,
)
from chargepoints.services import certificates
from chargepoints.services.maintenance import report_progress
from chargepoints.services.registration import BootAnswer, register_boot
from chargepoints.services.security_events import report_security_event
from ocpp_gateway.clock_watch import ClockWatch
from ocpp_gateway.protocol.connection import IncomingCall
from ocpp_gateway.protocol.validation import Anomaly
from ocpp_gateway.services.archive import ArchiveRow
from ocpp_gateway.telemetry import Item
from ocpp_gateway.versions.inputs import (
    Authorize,
    DataTransfer,
    DataTransferAnswer,
    Heartbeat,
    NeutralInput,
)
from transactions.domain.inputs import Readings, SessionStart, SessionStop
from transactions.services.authorizing import authorize_at
from transactions.services.interrupt import GRACE, mark_interrupted
from transactions.services.starts import StartAnswer, start_session
from transactions.services.stops import StopAnswer, stop_session

if TYPE_CHECKING:
    from ocpp_gateway.station_socket import StationSocket

logger = structlog.get_logger(__name__)

# --- Business lane: a service in the bounded thread pool ----------------------------------------


def _boot(socket: "StationSocket", report: BootReport) -> BootAnswer:
    """What the charger was running is in doubt now, until it shows that it goes on with it."""
    # A boot that we asked for, because none came, is no sign of a reboot.
    is_asked = socket.will_boot_as_asked and not socket.has_booted
    with transaction.atomic():
        answer = register_boot(socket.station_id, report)
        interrupted = 0 if is_asked else mark_interrupted(socket.station_id, report.received_at)
    if interrupted:
        socket.in_doubt_until = report.received_at + GRACE
    socket.adopt(answer.quirks)
    return answer


def _authorize(socket: "StationSocket", request: Authorize) -> AuthorizationResult:
    # Whether the token charges elsewhere is the start's matter (1.6 §7.2): who wants to end the
    # own session has to be let in.
    return authorize_at(
        socket.station_id,
        request.id_token,
        operator_id=socket.operator_id,
        at=request.received_at,
    )


def _start(socket: "StationSocket", start: SessionStart) -> StartAnswer:
    _watch_clock(socket, start.started_at, start.received_at)
    return start_session(socket.station_id, start)


def _stop(socket: "StationSocket", stop: SessionStop) -> StopAnswer:
    _watch_clock(socket, stop.ended_at, stop.received_at)
    return stop_session(socket.station_id, stop)


def _watch_clock(socket: "StationSocket", said: datetime, received_at: datetime) -> None:
    """Count a clock that shows local time as UTC, where no quirk profile says that it does.

    Meter values are not looked at: they are too many, and say nothing that these do not.
    """
    if socket.quirks is not None and socket.quirks.clock_zone is not None:
        return
    if socket.clock is None:
        socket.clock = ClockWatch()
    half_hours = socket.clock.note(said, received_at)
    if half_hours:
        offset = f"UTC+{half_hours // 2:02}:{half_hours % 2 * 30:02}"
        detail = f"It sends the local time of {offset} as UTC; a quirk profile can correct it."
        socket.note_anomalies([Anomaly("clock_is_local_time", detail)], received_at)


def _progress(socket: "StationSocket", report: ProgressReport) -> None:
    report_progress(socket.station_id, report)


def _security(socket: "StationSocket", report: SecurityReport) -> None:
    report_security_event(socket.station_id, report)


def _signing(socket: "StationSocket", request: SigningRequest) -> bool:
    return certificates.receive_request(socket.station_id, request)


async def business(
    handler: Callable[["StationSocket", Any], Any],
    socket: "StationSocket",
    request: NeutralInput,
    row: ArchiveRow,
) -> Any:
    """Run a service to its commit; the frame itself may be archived with the next batch."""
    socket.runtime.telemetry.archive(row)
    return await socket.runtime.business.call(handler, socket, request)


async def arrival(
    handler: Callable[["StationSocket", Any], Any],
    socket: "StationSocket",
    request: NeutralInput,
    row: ArchiveRow,
) -> Any:
    """`business` for what thousands do at once after a power cut: it leaves threads to others."""
    async with socket.runtime.arrivals:
        return await business(handler, socket, request, row)


# --- Telemetry lane: together with what other sockets brought -----------------------------------


def _readings(socket: "StationSocket", request: Readings, row: ArchiveRow) -> Item:
    doubt = socket.in_doubt_until
    is_in_doubt = doubt is not None and request.received_at <= doubt
    return Item(socket.station_id, row, readings=request, is_in_doubt=is_in_doubt)


def _status(socket: "StationSocket", request: StatusReport, row: ArchiveRow) -> Item:
    if request.reported_at is not None:
        _watch_clock(socket, request.reported_at, request.received_at)
    return Item(socket.station_id, row, status=request)


async def telemetry(
    handler: Callable[["StationSocket", Any, ArchiveRow], Item],
    socket: "StationSocket",
    request: NeutralInput,
    row: ArchiveRow,
) -> Any:
    """Return when the batch with this message is committed."""
    return await socket.runtime.telemetry.submit(handler(socket, request, row))


# --- No lane: nothing to store but the frame ----------------------------------------------------


def _time(_socket: "StationSocket", request: Heartbeat) -> Any:
    return request.received_at


def _unknown_vendor(_socket: "StationSocket", _request: DataTransfer) -> DataTransferAnswer:
    return DataTransferAnswer()


async def immediate(
    handler: Callable[["StationSocket", Any], Any],
    socket: "StationSocket",
    request: NeutralInput,
    row: ArchiveRow,
) -> Any:
    """Answer at once; that the charger was heard is written every few seconds."""
    socket.runtime.telemetry.archive(row)
    return handler(socket, request)


class Route(NamedTuple):
    lane: Callable[..., Awaitable[Any]]
    handler: Callable[..., Any]


ROUTES: dict[type[Any], Route] = {
    Authorize: Route(business, _authorize),
    BootReport: Route(arrival, _boot),
    DataTransfer: Route(immediate, _unknown_vendor),
    Heartbeat: Route(immediate, _time),
    ProgressReport: Route(business, _progress),
    Readings: Route(telemetry, _readings),
    SecurityReport: Route(business, _security),
    SessionStart: Route(business, _start),
    SessionStop: Route(business, _stop),
    SigningRequest: Route(business, _signing),
    StatusReport: Route(telemetry, _status),
}


async def handle(socket: "StationSocket", call: IncomingCall, row: ArchiveRow) -> str:
    """Return the text that answers `call`, after everything it says is committed."""
    message = socket.adapter.read(call)
    if socket.quirks is not None:
        message = socket.adapter.correct(message, call, socket.quirks)
    if message.anomalies:
        socket.note_anomalies(message.anomalies, call.received_at)
    request = message.input
    lane, handler = ROUTES[type(request)]
    result = await lane(handler, socket, request, row)
    if _is_refused(result):
        await _slow_down(socket, call)
    return socket.core.answer(call, socket.adapter.answer(request, result))


# A card that charges elsewhere is a good one.
_NO_GUESSES = frozenset({None, Authorization.ACCEPTED, Authorization.CONCURRENT_TX})


def _is_refused(result: Any) -> bool:
    """Whether a card was shown that is worth nothing, on whatever occasion."""
    kind = type(result)
    if kind is AuthorizationResult:
        return result.status not in _NO_GUESSES
    if kind is StartAnswer or kind is StopAnswer:
        return result.authorization not in _NO_GUESSES
    return False


async def _slow_down(socket: "StationSocket", call: IncomingCall) -> None:
    """Let a charger that tries one card after the other wait; only its own socket does.

    What it said is stored by now: no energy waits.
    """
    guess = socket.runtime.guesses.count(socket.station_id, time.monotonic())
    if guess.is_limited:
        socket.note_anomalies([Anomaly("many_unknown_tokens", "")], call.received_at)
    if guess.delay:
        await asyncio.sleep(guess.delay)


# What has to wait until the charger has its answer (case 70). Lost with the process: swept.
_FOLLOW_UPS: dict[str, Callable[[int], Any]] = {"SignCertificate": certificates.sign_pending}


async def follow_up(socket: "StationSocket", action: str) -> None:
    """Do what follows from an answer that is out; a failure is the sweeper's to repair."""
    handler = _FOLLOW_UPS.get(action)
    if handler is None:
        return
    try:
        await socket.runtime.business.call(handler, socket.station_id)
    except Exception:
        logger.exception("follow_up_failed", identity=socket.identity, action=action)
