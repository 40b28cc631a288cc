"""What the OpenAPI page shows of sessions and prices."""

from typing import Any

from chargepoints.api.examples import TARIFF

SESSION: dict[str, Any] = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e",
    "transaction_id": "4711",
    "identity": "H4T7QK2M9X",
    "evse_id": 1,
    "connector_id": 1,
    "public_code": "K7M2Q9X",
    "site": "Siam Square",
    "state": "ENDED",
    "is_held": False,
    "authorization": "Accepted",
    "started_at": "2026-11-20T04:00:00Z",
    "ended_at": "2026-11-20T05:00:00Z",
    "end_reason": "Local",
    "failure": None,
    "expires_at": None,
    "energy_wh": 10500,
    "currency": "THB",
    "total_net": "73.60",
    "total_tax": "5.15",
    "total_gross": "78.75",
    "priced_at": "2026-11-20T05:00:01Z",
}
SUMMARY: dict[str, Any] = {
    **SESSION,
    "is_final": True,
    "as_of": "2026-11-20T05:30:00Z",
    "duration_seconds": 3600,
    "charging_ended_at": "2026-11-20T04:58:00Z",
    "power_w": None,
    "soc_percent": 80,
    "price_so_far": None,
    "start_request": None,
    "stop_request": None,
    "tariff": {"id": 5, "name": "Standard", "effective_from": "2026-01-01T00:00:00Z"},
    "lines": [
        {
            "kind": "ENERGY",
            "name": "",
            "quantity": "10.5000",
            "unit": "kWh",
            "unit_price": "7.5000",
            "net": "73.60",
            "tax": "5.15",
            "gross": "78.75",
            "from": "2026-11-20T04:00:00Z",
            "until": "2026-11-20T05:00:00Z",
        }
    ],
    "curve": [
        {
            "at": "2026-11-20T04:10:00Z",
            "power_w": 11000,
            "energy_wh": 102000,
            "soc_percent": "42.00",
            "current_a": "16.00",
            "voltage_v": "229.80",
            "after_gap": False,
        }
    ],
    "review": [],
    "payments": [],
    "documents": [],
}
COMMAND_ID = "0199c2df-0c1e-7d4b-9a6e-2f8f5b1d3c4a"
PENDING: dict[str, Any] = {
    **SESSION,
    "state": "PENDING",
    "authorization": "",
    "started_at": None,
    "ended_at": None,
    "end_reason": "",
    "expires_at": "2026-11-20T04:05:00Z",
    "energy_wh": 0,
    "total_net": None,
    "total_tax": None,
    "total_gross": None,
    "priced_at": None,
    "tariff": TARIFF,
}
STARTING: dict[str, Any] = {
    "id": SESSION["id"],
    "transaction_id": "4711",
    "state": "STARTING",
    "expires_at": "2026-11-20T04:07:00Z",
    "failure": None,
    "start_request": {
        "id": COMMAND_ID,
        "status": "QUEUED",
        "requested_at": "2026-11-20T04:01:00Z",
    },
    "stop_request": None,
}
STOPPING: dict[str, Any] = {
    **STARTING,
    "state": "ACTIVE",
    "expires_at": None,
    "start_request": {**STARTING["start_request"], "status": "ACCEPTED"},
    "stop_request": {
        "id": "0199c316-77aa-7b0c-8d21-53f0a9c1e7b2",
        "status": "QUEUED",
        "requested_at": "2026-11-20T05:00:00Z",
    },
}
LIVE: dict[str, Any] = {
    "id": SESSION["id"],
    "transaction_id": "4711",
    "identity": "TH-BKK-0001",
    "evse_id": 1,
    "connector_id": 1,
    "state": "ACTIVE",
    "expires_at": None,
    "failure": None,
    "is_online": True,
    "connector_status": "Charging",
    "started_at": "2026-11-20T04:01:04Z",
    "ended_at": None,
    "end_reason": "",
    "energy_wh": 4200,
    "power_w": 48300,
    "soc_percent": 57,
    "measured_at": "2026-11-20T04:06:30Z",
    "charging_ended_at": "2026-11-20T04:06:30Z",
    "currency": "THB",
    "price": {"net": "29.44", "tax": "2.06", "gross": "31.50"},
    "is_final": False,
    "start_request": STOPPING["start_request"],
    "stop_request": None,
}
PRICE_CHANGED: dict[str, Any] = {
    "type": "urn:csms:problem:price_changed",
    "title": "The current state does not allow this",
    "status": 409,
    "detail": "The price has changed. Look at it again before you start.",
    "instance": "/api/transactions/",
    "code": "price_changed",
    "errors": [],
    "request_id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e",
    "tariff": TARIFF,
    "price_per_kwh": "7.5000",
}
RESERVATION: dict[str, Any] = {
    "id": "0199c2dd-1b2c-7d3e-8f40-5a6b7c8d9e0f",
    "identity": "TH-BKK-0001",
    "evse_id": 1,
    "connector_id": 1,
    "site": "Siam Square",
    "state": "REQUESTED",
    "created_at": "2026-11-20T03:40:00Z",
    "expires_at": "2026-11-20T04:10:00Z",
    "ended_at": None,
    "session_id": None,
}
