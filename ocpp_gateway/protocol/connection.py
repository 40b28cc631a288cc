"""The state of one charger's socket, without I/O: text in, what to do out.

No clock either: the caller passes the time. One instance per socket; a new socket is a new
`Connection`, so message ids that a charger uses again after a restart are new messages.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from ocpp_gateway.protocol import frames, validation
from ocpp_gateway.protocol.errors import CallInFlight, ErrorCode, NotRegistered, spell
from ocpp_gateway.protocol.rules import BOOT, CLOCK_ACTIONS, RULES, judge_response
from ocpp_gateway.protocol.validation import Anomaly, Violation

ACCEPTED: Final = "Accepted"
PENDING: Final = "Pending"
# A charger repeats its last CALL, or with several in flight its last few.
REMEMBERED_CALLS: Final = 8
REMEMBERED_EXPIRED: Final = 8
REPEAT_WINDOW: Final = timedelta(minutes=10)
CLOCK_REPEAT_WINDOW: Final = timedelta(seconds=10)


class IncomingCall(NamedTuple):
    """A valid CALL, or one whose deviations are tolerated (`anomalies`; `payload` is repaired)."""

    message_id: str
    action: str
    payload: dict[str, Any]
    text: str
    received_at: datetime
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class IncomingResult:
    """The charger's CALLRESULT. `action` is empty if `unsolicited`.

    `problem` says how the payload breaks its schema; the raw payload is kept. `is_late`: our
    timeout had already passed.
    """

    message_id: str
    payload: Any
    action: str = ""
    is_late: bool = False
    unsolicited: bool = False
    problem: str = ""
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class IncomingError:
    """The charger's CALLERROR. `details` may be anything; `description` is cut to 255."""

    message_id: str
    code: str
    description: str
    details: Any
    action: str = ""
    is_late: bool = False
    unsolicited: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A frame that is not to be processed. `code` as the version spells it, "" without a reply."""

    reply_text: str | None
    reason: str
    code: str = ""
    message_id: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same CALL again. `reply_text` None: the first is still being processed, send nothing."""

    reply_text: str | None
    message_id: str
    action: str


Received = IncomingCall | IncomingResult | IncomingError | Rejected | Repeated


class _Remembered:
    """A CALL that was handed out: the hash of its text, when, and the answer once there is one."""

    __slots__ = ("digest", "received_at", "reply_text")

    def __init__(self, digest: int, received_at: datetime) -> None:
        self.digest = digest
        self.received_at = received_at
        self.reply_text: str | None = None


class Connection:
    """One socket's protocol state. Small while idle: containers come with their first item."""

    __slots__ = (
        "_boot_id",
        "_expired",
        "_open",
        "_opened_at",
        "_recent",
        "_rules",
        "_triggered",
        "is_strict",
        "registration",
        "version",
    )

    def __init__(self, version: str, registration: str = ACCEPTED) -> None:
        """Raise KeyError for an unknown `version` ("1.6", …); `registration` is the stored one."""
        self.version = version
        self.registration = str(registration)
        self._rules = RULES[version]
        self._recent: dict[str, _Remembered] | None = None
        self._open: tuple[str, str] | None = None
        self._opened_at: datetime | None = None
        self._expired: dict[str, str] | None = None
        self._triggered: set[str] | None = None
        self._boot_id: str | None = None
        # Whether only those deviations are tolerated that would be repeated for ever.
        self.is_strict = False

    # --- in

    def receive_text(self, text: str, received_at: datetime) -> Received:
        """Judge one text frame. Never raises, whatever `text` holds."""
        frame = frames.parse(text)
        if isinstance(frame, frames.Call):
            return self._call(frame, text, received_at)
        if type(frame) is frames.CallResult:
            return self._result(frame)
        if type(frame) is frames.CallError:
            return self._error(frame)
        return self._malformed(frame)

    def _call(self, call: frames.Call, text: str, received_at: datetime) -> Received:
        action = call.action
        rules = self._rules
        if action not in rules.incoming:
            return self._unsupported(call)
        if self.registration != ACCEPTED and action != BOOT and not self._was_triggered(action):
            return self._refuse(
                call, ErrorCode.SECURITY_ERROR, f"The registration is {self.registration}."
            )
        recent = self._recent
        if recent is not None:
            known = recent.get(call.message_id)
            if known is not None and self._is_repeat(known, action, text, received_at):
                return Repeated(known.reply_text, call.message_id, action)
        payload = call.payload
        if payload is None and action in rules.empty_payload:
            payload = {}
        anomalies: tuple[Anomaly, ...] = ()
        is_valid = validation.checker(self.version, action)
        if is_valid is None or not is_valid(payload):
            judged = self._forgive(action, payload)
            if isinstance(judged, Violation):
                return self._refuse(call, judged.code, judged.description)
            anomalies = judged
        beyond = rules.check_ranges(action, payload)
        if beyond is not None:
            return self._refuse(call, beyond.code, beyond.description)
        self._remember(call.message_id, text, received_at)
        if action == BOOT:
            self._boot_id = call.message_id
        return IncomingCall(call.message_id, action, payload, text, received_at, anomalies)

    def _unsupported(self, call: frames.Call) -> Rejected:
        if call.action in validation.known_actions(self.version):
            return self._refuse(call, ErrorCode.NOT_SUPPORTED, "This action is not supported.")
        return self._refuse(call, ErrorCode.NOT_IMPLEMENTED, "This action is not known.")

    def _forgive(self, action: str, payload: Any) -> tuple[Anomaly, ...] | Violation:
        if type(payload) is not dict:
            return Violation("type", (), "must be a JSON object", payload)
        found = validation.violations(self.version, action, self._rules.abridge(payload))
        if self.is_strict and found and action not in self._rules.repeated:
            return found[0]
        judged = self._rules.forgive_request(action, payload, found)
        return judged if isinstance(judged, Violation) else tuple(judged)

    def _was_triggered(self, action: str) -> bool:
        """While Pending a charger may send what a TriggerMessage of ours asked for, once."""
        if self._triggered is None or action not in self._triggered:
            return False
        self._triggered.discard(action)
        return True

    @staticmethod
    def _is_repeat(known: _Remembered, action: str, text: str, at: datetime) -> bool:
        window = CLOCK_REPEAT_WINDOW if action in CLOCK_ACTIONS else REPEAT_WINDOW
        return known.digest == hash(text) and at - known.received_at <= window

    def _remember(self, message_id: str, text: str, received_at: datetime) -> None:
        recent = self._recent
        if recent is None:
            recent = self._recent = {}
        elif message_id not in recent and len(recent) >= REMEMBERED_CALLS:
            del recent[next(iter(recent))]
        recent[message_id] = _Remembered(hash(text), received_at)

    def _refuse(self, call: frames.Call, code: ErrorCode, description: str) -> Rejected:
        spelled = spell(self.version, code)
        text = frames.dump_error(call.message_id, spelled, description)
        return Rejected(text, description, spelled, call.message_id, call.action[:50])

    def _malformed(self, frame: frames.Malformed) -> Rejected:
        if frame.flaw is frames.Flaw.BAD_CALL:
            code = ErrorCode.FORMAT_VIOLATION
        elif frame.flaw is frames.Flaw.BAD_ANSWER or not self._rules.answers_unreadable:
            # Nobody waits for an answer to an answer, and 1.6 has none for a broken frame.
            return Rejected(None, frame.reason, message_id=self._archived_id(frame))
        elif frame.flaw is frames.Flaw.UNKNOWN_TYPE:
            code = ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED
        else:
            code = ErrorCode.RPC_FRAMEWORK_ERROR
        spelled = spell(self.version, code)
        text = frames.dump_error(frame.message_id, spelled, frame.reason)
        return Rejected(text, frame.reason, spelled, self._archived_id(frame), frame.action[:50])

    @staticmethod
    def _archived_id(frame: frames.Malformed) -> str:
        return "" if frame.message_id == frames.UNREADABLE_ID else frame.message_id

    def _result(self, result: frames.CallResult) -> IncomingResult:
        action, is_late = self._close(result.message_id)
        if not action:
            return IncomingResult(
                result.message_id[: frames.MAX_MESSAGE_ID], result.payload, unsolicited=True
            )
        problem, anomalies = judge_response(self.version, action, result.payload)
        return IncomingResult(
            result.message_id,
            result.payload,
            action,
            is_late,
            problem=problem,
            anomalies=anomalies,
        )

    def _error(self, error: frames.CallError) -> IncomingError:
        action, is_late = self._close(error.message_id)
        return IncomingError(
            error.message_id[: frames.MAX_MESSAGE_ID],
            error.code[:50],
            error.description[: frames.MAX_DESCRIPTION],
            error.details,
            action,
            is_late,
            unsolicited=not action,
        )

    def _close(self, message_id: str) -> tuple[str, bool]:
        """Return the action that `message_id` answers, empty if none, and whether it is late."""
        if self._open is not None and self._open[0] == message_id:
            action = self._open[1]
            self._open = self._opened_at = None
            return action, False
        if self._expired and message_id in self._expired:
            return self._expired.pop(message_id), True
        return "", False

    # --- answers to the charger

    def answer(self, call: IncomingCall, payload: dict[str, Any]) -> str:
        """Return the CALLRESULT for `call`. A boot's answered status becomes the registration."""
        text = frames.dump_result(call.message_id, payload)
        if call.action == BOOT:
            self.registration = str(payload["status"])
            self._triggered = None
        self._answered(call, text)
        return text

    def fail(
        self, call: IncomingCall, code: ErrorCode | str, description: str = "", details: Any = None
    ) -> str:
        """Return the CALLERROR for `call`; not remembered: a repetition is tried again."""
        text = frames.dump_error(
            call.message_id, spell(self.version, str(code)), description, details
        )
        if self._boot_id == call.message_id:
            self._boot_id = None
        if self._recent is not None:
            self._recent.pop(call.message_id, None)
        return text

    def _answered(self, call: IncomingCall, text: str) -> None:
        if self._boot_id == call.message_id:
            self._boot_id = None
        known = self._recent.get(call.message_id) if self._recent is not None else None
        if known is not None and known.digest == hash(call.text):
            known.reply_text = text

    # --- our own CALLs

    @property
    def in_flight(self) -> str | None:
        """The message id of our unanswered CALL."""
        return None if self._open is None else self._open[0]

    def may_send(self, action: str) -> bool:
        """Whether `open_call` takes `action` now: registered, boot answered, none in flight."""
        return self._open is None and self._allows(action)

    def _allows(self, action: str) -> bool:
        if self._boot_id is not None:
            return False
        if self.registration == ACCEPTED:
            return True
        return self.registration == PENDING and action in self._rules.sendable_while_pending

    def open_call(self, message_id: str, action: str, payload: dict[str, Any], at: datetime) -> str:
        """Return the text of our CALL.

        Raise `CallInFlight` if one is open, `NotRegistered` if the registration or an unanswered
        boot does not allow it.
        """
        if self._open is not None:
            raise CallInFlight(f"{self._open[1]} {self._open[0]} is unanswered.")
        if not self._allows(action):
            raise NotRegistered(f"{action} may not be sent: registration {self.registration}.")
        text = frames.dump_call(message_id, action, payload)
        self._open = (message_id, action)
        self._opened_at = at
        if self.registration != ACCEPTED and action in self._rules.triggers:
            if self._triggered is None:
                self._triggered = set()
            self._triggered.add(str(payload.get("requestedMessage", "")))
        return text

    def expire_call(self, at: datetime, timeout: timedelta) -> str | None:
        """Give up our CALL if it is older than `timeout`; its answer is then recognised as late."""
        if self._open is None or self._opened_at is None or at - self._opened_at < timeout:
            return None
        message_id, action = self._open
        self._open = self._opened_at = None
        if self._expired is None:
            self._expired = {}
        elif len(self._expired) >= REMEMBERED_EXPIRED:
            del self._expired[next(iter(self._expired))]
        self._expired[message_id] = action
        return message_id
