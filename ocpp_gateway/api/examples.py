"""What the OpenAPI page shows of commands, frames and connections."""

from typing import Any

COMMAND: dict[str, Any] = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e",
    "identity": "TH-BKK-0001",
    "command": "start_charging",
    "parameters": {"connector_id": 1, "id_token": "CARD0001"},
    "status": "QUEUED",
    "is_final": False,
    "requested_at": "2026-11-20T04:58:11Z",
    "requested_by": "staff@example.com",
    "reason": "",
    "expires_at": "2026-11-20T05:03:11Z",
    "sent_at": None,
    "answered_at": None,
    "latency_ms": None,
    "is_late": False,
    "action": "",
    "message_id": "",
    "request": None,
    "response": None,
    "error": "",
}
ANSWERED: dict[str, Any] = {
    **COMMAND,
    "status": "ACCEPTED",
    "is_final": True,
    "sent_at": "2026-11-20T04:58:11.020Z",
    "answered_at": "2026-11-20T04:58:11.231Z",
    "latency_ms": 211,
    "action": "RemoteStartTransaction",
    "message_id": "7f0c1c52-8d0e-4a5a-9d5e-0d3a1f2b4c6d",
    "request": {"connectorId": 1, "idTag": "CARD0001"},
    "response": {"status": "Accepted"},
}
MESSAGE: dict[str, Any] = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0f",
    "at": "2026-11-20T04:58:11.231Z",
    "direction": "IN",
    "type": "CALL",
    "action": "Heartbeat",
    "message_id": "42",
    "epoch": 3,
    "frame": '[2,"42","Heartbeat",{}]',
    "latency_ms": None,
    "answer": {
        "at": "2026-11-20T04:58:11.235Z",
        "type": "CALLRESULT",
        "frame": '[3,"42",{"currentTime":"2026-11-20T04:58:11Z"}]',
        "latency_ms": 4,
    },
}
CONNECTION: dict[str, Any] = {
    "identity": "TH-BKK-0001",
    "version": "ocpp1.6",
    "since": "2026-11-20T04:00:00Z",
    "last_message_at": "2026-11-20T04:58:11Z",
    "in_flight": None,
    "remote_address": "203.0.113.9",
    "epoch": 3,
    "node": {
        "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f10",
        "host": "gateway-1",
        "process_id": 4711,
    },
}
VERDICT: dict[str, Any] = {
    "valid": False,
    "version": "1.6",
    "type": "CALL",
    "action": "Heartbeats",
    "message_id": "42",
    "reason": "This action is not known.",
    "tolerated": [],
    "reply": [4, "42", "NotImplemented", "This action is not known.", {}],
}
