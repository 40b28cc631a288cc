"""Tariffs and sessions as the API shows them."""

from datetime import datetime
from typing import Any

from chargepoints.models import Station
from csms.common import clock
from transactions.models import CostLine, Session, TariffVersion
from transactions.selectors.sessions import Summary
from transactions.selectors.station_tariffs import versions_at


def tariffs_of(station: Station, at: datetime | None = None) -> list[dict[str, Any]]:
    """What charging costs at `at` (now), by EVSE."""
    return [
        {"evse_id": evse_id, "tariff": None if version is None else tariff(version)}
        for evse_id, version in sorted(versions_at(station, at or clock.now()).items())
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


def session(row: Session) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "transaction_id": row.ocpp_transaction_id or str(row.pk),
        "identity": row.station.identity,
        "evse_id": row.connector.evse.evse_id,
        "connector_id": row.connector.connector_id,
        "public_code": row.connector.evse.public_code,
        "site": row.station.site.name,
        "state": row.state,
        "is_held": row.is_held,
        "authorization": row.authorization,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "end_reason": row.end_reason,
        "energy_wh": row.energy_wh,
        "currency": row.currency,
        "total_net": row.total_net,
        "total_tax": row.total_tax,
        "total_gross": row.total_gross,
        "priced_at": row.priced_at,
    }


def summary(found: Summary) -> dict[str, Any]:
    version = found.session.tariff_version
    return {
        **session(found.session),
        "energy_wh": found.energy_wh,
        "is_final": found.is_final,
        "as_of": found.at,
        "duration_seconds": None if found.duration is None else int(found.duration.total_seconds()),
        "charging_ended_at": found.flow_ended_at,
        "power_w": found.power_w,
        "soc_percent": found.soc_percent,
        "tariff": None
        if version is None
        else {
            "id": version.tariff_id,
            "name": version.tariff.name,
            "effective_from": version.effective_from,
        },
        "lines": [_line(line) for line in found.lines],
        "curve": [
            {
                "at": point.at,
                "power_w": point.power_w,
                "energy_wh": point.energy_wh,
                "soc_percent": point.soc_percent,
                "current_a": point.current_a,
                "voltage_v": point.voltage_v,
                "after_gap": point.after_gap,
            }
            for point in found.curve
        ],
        "review": [
            {"kind": item.kind, "received_at": item.received_at} for item in found.review_items
        ],
    }


def _line(row: CostLine) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name": row.name,
        "quantity": row.quantity,
        "unit": row.unit,
        "unit_price": row.unit_price,
        "net": row.net,
        "tax": row.tax,
        "gross": row.gross,
        "from": row.starts_at,
        "until": row.ends_at,
    }
