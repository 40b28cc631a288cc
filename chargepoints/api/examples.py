"""What the OpenAPI page shows. The tests send the requests and compare the answers' forms."""

from typing import Any

CONNECTOR: dict[str, Any] = {
    "connector_id": 1,
    "type": "CCS2",
    "max_power_kw": 120.0,
    "status": "Available",
    "status_at": "2026-11-20T04:58:11Z",
    "is_available": True,
}
SITE: dict[str, Any] = {
    "id": 3,
    "name": "Siam Square",
    "name_th": "สยามสแควร์",
    "operator": {"code": "bangkok-ev", "name": "Bangkok EV", "name_th": ""},
    "address": "Rama I Road",
    "district": "Pathum Wan",
    "province": "Bangkok",
    "postal_code": "10330",
    "latitude": 13.74557,
    "longitude": 100.53496,
    "opening_hours": {},
}
PUBLIC_CODE = "H4T7QK2M9X"
STATION: dict[str, Any] = {
    "identity": PUBLIC_CODE,
    "public_code": PUBLIC_CODE,
    "name": "Siam 1",
    "site": SITE,
    "is_online": True,
    "connector_count": 1,
    "available_connectors": 1,
    "evses": [{"evse_id": 1, "public_code": "K7M2Q9X", "connectors": [CONNECTOR]}],
    "technical": None,
}
STATION_PAGE: dict[str, Any] = {
    "count": 1,
    "next": None,
    "previous": None,
    "results": [STATION],
    "removed": None,
}
TARIFF: dict[str, Any] = {
    "id": 5,
    "version_id": 12,
    "name": "Standard",
    "currency": "THB",
    "effective_from": "2026-01-01T00:00:00Z",
    "price_per_kwh": "7.5000",
    "price_per_minute": "0.0000",
    "price_per_session": "0.0000",
    "idle_price_per_minute": "2.0000",
    "idle_grace_minutes": 10,
    "vat_percent": "7.00",
    "windows": [],
}
STATION_DETAIL: dict[str, Any] = {**STATION, "tariffs": [{"evse_id": 1, "tariff": TARIFF}]}
NEW_CONNECTOR: dict[str, Any] = {
    "evse_id": 2,
    "connector_id": 1,
    "type": "CHAdeMO",
    "max_power_kw": 50.0,
}
PLACED_CONNECTOR: dict[str, Any] = {
    "identity": "TH-BKK-0001",
    "evse_id": 1,
    "public_code": "K7M2Q9X",
    **CONNECTOR,
}
NEW_STATION: dict[str, Any] = {
    "identity": "TH-BKK-0002",
    "site": 3,
    "name": "Siam 2",
    "allowed_versions": ["ocpp1.6"],
    "security_profile": 1,
    "connectors": [{"evse_id": 1, "type": "CCS2", "max_power_kw": 120.0}],
}
CHECK: dict[str, Any] = {
    "identity": "TH-BKK-0001",
    "is_online": True,
    "connectors": [
        {
            "evse_id": 1,
            "public_code": "K7M2Q9X",
            **CONNECTOR,
            "error_code": "NoError",
            "missing": [],
        }
    ],
    "missing": [],
}
ALERT: dict[str, Any] = {
    "id": 12,
    "identity": "TH-BKK-0001",
    "kind": "ANOTHER_DEVICE",
    "severity": "CRITICAL",
    "state": "open",
    "detail": "serial_number: A-1001 → A-2002",
    "count": 1,
    "first_at": "2026-11-20T20:04:11Z",
    "last_at": "2026-11-20T20:04:11Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "resolved_at": None,
    "resolved_by": None,
    "resolution": "",
}
ACKNOWLEDGED_ALERT: dict[str, Any] = {
    **ALERT,
    "state": "acknowledged",
    "acknowledged_at": "2026-11-20T20:06:40Z",
    "acknowledged_by": "night@example.com",
}
RESOLVED_ALERT: dict[str, Any] = {
    **ACKNOWLEDGED_ALERT,
    "state": "resolved",
    "resolved_at": "2026-11-21T02:15:00Z",
    "resolved_by": "night@example.com",
    "resolution": "The main board was replaced",
}
