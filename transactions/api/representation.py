"""Tariffs and sessions as the API shows them."""

from typing import Any

from chargepoints.models import Station
from csms.common import clock
from transactions.models import TariffVersion
from transactions.selectors.station_tariffs import versions_at


def tariffs_of(station: Station) -> list[dict[str, Any]]:
    """What charging costs now, by EVSE."""
    return [
        {"evse_id": evse_id, "tariff": None if version is None else tariff(version)}
        for evse_id, version in sorted(versions_at(station, clock.now()).items())
    ]


def tariff(version: TariffVersion) -> dict[str, Any]:
    return {
        "id": version.tariff_id,
        "name": version.tariff.name,
        "currency": version.tariff.currency,
        "effective_from": version.effective_from,
        "price_per_kwh": version.price_per_kwh,
        "price_per_minute": version.price_per_minute,
        "price_per_session": version.price_per_session,
        "idle_price_per_minute": version.idle_price_per_minute,
        "idle_grace_minutes": version.idle_grace_minutes,
        "vat_percent": version.vat_percent,
        "windows": [
            {
                "name": window.name,
                "weekdays": window.weekdays,
                "starts_at": window.starts_at,
                "ends_at": window.ends_at,
                "holidays": window.holidays,
                "price_per_kwh": window.price_per_kwh,
            }
            for window in version.windows.all()
        ],
    }
