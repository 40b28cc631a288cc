"""Examples of what a driver keeps here."""

from typing import Any

VEHICLE_SENT: dict[str, Any] = {
    "plate": "1กข 1234",
    "province": "กรุงเทพมหานคร",
    "make": "BYD",
    "model": "Atto 3",
    "connector_type": "CCS2",
    "battery_kwh": "60.5",
    "is_default": True,
}
VEHICLE: dict[str, Any] = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f01",
    "plate": "1กข 1234",
    "province": {"code": "10", "name_th": "กรุงเทพมหานคร", "name_en": "Bangkok"},
    "make": "BYD",
    "model": "Atto 3",
    "connector_type": "CCS2",
    "battery_kwh": "60.5",
    "is_default": True,
    "created_at": "2026-11-20T05:00:00Z",
}
ID_TOKEN: dict[str, Any] = {
    "id": 41,
    "masked_token": "…4F2A",
    "type": "ISO14443",
    "status": "ACCEPTED",
    "operator": "Bangkok EV",
    "expires_at": None,
    "created_at": "2026-11-20T05:00:00Z",
}
CONSENT: dict[str, Any] = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f02",
    "purpose": "MARKETING",
    "decision": "GIVEN",
    "text_version": "2026-11",
    "channel": "APP",
    "at": "2026-11-20T05:00:00Z",
}
DATA_EXPORT: dict[str, Any] = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f03",
    "state": "READY",
    "requested_at": "2026-11-20T05:00:00Z",
    "ready_at": "2026-11-20T05:00:07Z",
    "expires_at": "2026-11-27T05:00:07Z",
    "size_bytes": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "file": "/api/data-exports/0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f03/file",
}
DELETION: dict[str, Any] = {
    "at": "2026-11-20T05:00:00Z",
    "erased": {"vehicles": 1, "favourites": 3, "profile": 1},
    "kept": [
        {
            "kind": "charging_sessions",
            "count": 12,
            "ground": "Revenue Code s.87/3 (5 years, up to 7); Accounting Act s.14",
            "reason_th": "หลักฐานทางบัญชีและภาษีของการชาร์จ",
            "reason_en": "The books behind tax invoices.",
            "until": "2033-11-18",
        }
    ],
}
