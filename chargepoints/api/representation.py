"""Stations and their parts as the API shows them. The forms are in `serializers`."""

from typing import Any

from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Alert, Connector, Evse, Site, Station
from chargepoints.selectors.alerts import state_of


def shown_identity(row: Station, *, technical: bool) -> str:
    """The OCPP identity for staff and keys, the public code for everybody else."""
    return row.identity if technical else row.public_code


def station(row: Station, *, technical: bool, distance_km: float | None = None) -> dict[str, Any]:
    """`technical`: the caller is staff or a key."""
    evses = [_evse(evse, row) for evse in row.evses.all()]
    connectors = [connector for evse in evses for connector in evse["connectors"]]
    shown = {
        "identity": shown_identity(row, technical=technical),
        "public_code": row.public_code,
        "name": row.name or (row.identity if technical else row.site.name),
        "site": site(row.site),
        "is_online": row.is_online,
        "connector_count": len(connectors),
        "available_connectors": sum(c["is_available"] for c in connectors),
        "evses": evses,
        "technical": _technical(row) if technical else None,
    }
    if distance_km is not None:
        shown["distance_km"] = round(distance_km, 3)
    return shown


def site(row: Site) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "name_th": row.name_th,
        "operator": {
            "code": row.operator.code,
            "name": row.operator.name,
            "name_th": row.operator.name_th,
        },
        "address": row.address,
        "district": row.district,
        "province": row.province,
        "postal_code": row.postal_code,
        "latitude": float(row.latitude),
        "longitude": float(row.longitude),
        "opening_hours": row.opening_hours,
    }


def _evse(row: Evse, of_station: Station) -> dict[str, Any]:
    return {
        "evse_id": row.evse_id,
        "public_code": row.public_code,
        "connectors": [connector(c, of_station) for c in row.connectors.all()],
    }


def connector(row: Connector, of_station: Station) -> dict[str, Any]:
    return {
        "connector_id": row.connector_id,
        "type": row.type,
        "max_power_kw": None if row.max_power_w is None else row.max_power_w / 1000,
        "status": row.status,
        "status_at": row.status_at,
        "is_available": of_station.is_online and row.status == ConnectorStatus.AVAILABLE,
    }


def placed_connector(row: Connector, of_station: Station) -> dict[str, Any]:
    """A connector outside of its station: with the numbers that find it."""
    return {
        "identity": of_station.identity,
        "evse_id": row.evse.evse_id,
        "public_code": row.evse.public_code,
        **connector(row, of_station),
    }


def alert(row: Alert) -> dict[str, Any]:
    return {
        "id": row.pk,
        "identity": row.station.identity,
        "kind": row.kind,
        "severity": row.severity,
        "state": state_of(row),
        "detail": row.detail,
        "count": row.count,
        "first_at": row.first_at,
        "last_at": row.last_at,
        "acknowledged_at": row.acknowledged_at,
        "acknowledged_by": None if row.acknowledged_by is None else row.acknowledged_by.audit_label,
        "resolved_at": row.resolved_at,
        "resolved_by": None if row.resolved_by is None else row.resolved_by.audit_label,
        "resolution": row.resolution,
    }


def check(row: Station, *, technical: bool) -> dict[str, Any]:
    """The station's connectors, and what it and they still lack."""
    connectors = [
        _checked_connector(connector, evse, row)
        for evse in row.evses.all()
        for connector in evse.connectors.all()
    ]
    lacking = {
        "connection": row.is_online,
        "boot": row.booted_at is not None,
        "connectors": bool(connectors),
    }
    return {
        "identity": shown_identity(row, technical=technical),
        "is_online": row.is_online,
        "connectors": connectors,
        "missing": [name for name, is_there in lacking.items() if not is_there],
    }


def _checked_connector(row: Connector, evse: Evse, of_station: Station) -> dict[str, Any]:
    missing = []
    if row.type == Connector.Type.UNKNOWN:
        missing.append("type")
    if row.max_power_w is None:
        missing.append("max_power_kw")
    if row.status == ConnectorStatus.UNKNOWN:
        missing.append("status")
    return {
        "evse_id": evse.evse_id,
        "public_code": evse.public_code,
        **connector(row, of_station),
        "error_code": row.error_code,
        "missing": missing,
    }


def _technical(row: Station) -> dict[str, Any]:
    return {
        "vendor": row.vendor,
        "model": row.model,
        "serial_number": row.serial_number,
        "firmware_version": row.firmware_version,
        "allowed_versions": row.allowed_versions,
        "ocpp_version": row.ocpp_version,
        "security_profile": row.security_profile,
        "registration_status": row.registration_status,
        "booted_at": row.booted_at,
        "connected_at": row.connected_at,
        "last_seen_at": row.last_seen_at,
    }
