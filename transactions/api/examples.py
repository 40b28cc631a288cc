"""What the OpenAPI page shows of sessions and prices."""

from typing import Any

SESSION: dict[str, Any] = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f0e",
    "transaction_id": "4711",
    "identity": "TH-BKK-0001",
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
}
