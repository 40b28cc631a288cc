"""What the gateway would make of a frame, without a charger."""

from datetime import datetime
from typing import Any

import orjson

from chargepoints.domain.states import RegistrationStatus
from ocpp_gateway.protocol import frames, validation
from ocpp_gateway.protocol.connection import IncomingCall, IncomingError, IncomingResult, Rejected
from ocpp_gateway.versions import Adapter


def verdict_on(frame: Any, adapter: Adapter, action: str, at: datetime) -> dict[str, Any]:
    """`frame` is its text or the JSON array; `action` tells which request a CALLRESULT answers."""
    text = frame if isinstance(frame, str) else orjson.dumps(frame).decode()
    connection = adapter.connection(RegistrationStatus.ACCEPTED.value)
    received = connection.receive_text(text, at)
    verdict: dict[str, Any] = {
        "valid": True,
        "version": adapter.version,
        "type": "CALL",
        "action": "",
        "message_id": received.message_id,
        "reason": "",
        "tolerated": [],
        "reply": None,
    }
    if isinstance(received, IncomingCall):
        tolerated = [f"{anomaly.kind}: {anomaly.detail}" for anomaly in received.anomalies]
        return {**verdict, "action": received.action, "tolerated": tolerated}
    if isinstance(received, IncomingResult):
        return {**verdict, "type": "CALLRESULT", **_result(received, adapter, action)}
    if isinstance(received, IncomingError):
        return {**verdict, "type": "CALLERROR", "reason": received.description}
    if isinstance(received, Rejected):
        is_call = isinstance(frames.parse(text), frames.Call)
        reply = None if received.reply_text is None else orjson.loads(received.reply_text)
        return {
            **verdict,
            "valid": False,
            "type": "CALL" if is_call else "MALFORMED",
            "action": received.action,
            "reason": received.reason,
            "reply": reply,
        }
    raise TypeError(f"{type(received).__name__} on a new connection")


def _result(received: IncomingResult, adapter: Adapter, action: str) -> dict[str, Any]:
    if not action or validation.checker(adapter.version, action, is_response=True) is None:
        return {}
    found = validation.violations(adapter.version, action, received.payload, is_response=True)
    if not found:
        return {"action": action}
    return {"action": action, "valid": False, "reason": found[0].description}
