"""Tariffs and sessions as the API shows them."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.api.representation import shown_identity
from chargepoints.models import Command, Station
from csms.common import clock
from transactions.domain.pricing import Price
from transactions.domain.states import NeverStarted, SessionState
from transactions.models import CostLine, Reservation, Session, TariffVersion
from transactions.selectors.live import LiveSession
from transactions.selectors.sessions import Summary
from transactions.selectors.station_tariffs import versions_at

NEVER_STARTED_TEXTS = {
    NeverStarted.CANCELLED.value: _("The session was cancelled before it began."),
    NeverStarted.EXPIRED.value: _("The session was not started in time."),
    NeverStarted.START_REJECTED.value: _("The charger refused to start. Is the car plugged in?"),
    NeverStarted.START_FAILED.value: _("The charger could not be asked to start."),
    NeverStarted.CHARGER_UNREACHABLE.value: _("The charger could not be reached."),
    NeverStarted.NO_ANSWER.value: _("The charger did not answer."),
    NeverStarted.NOT_STARTED.value: _("Charging did not begin. Was the car plugged in?"),
}


def tariffs_of(station: Station, at: datetime | None = None) -> list[dict[str, Any]]:
    """What charging costs at `at` (now), by EVSE."""
    return [
        {"evse_id": evse_id, "tariff": None if version is None else tariff(version)}
        for evse_id, version in sorted(versions_at(station, at or clock.now()).items())
    ]


def tariff(version: TariffVersion) -> dict[str, Any]:
    return {
        "id": version.tariff_id,
        "version_id": version.pk,
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


def session(row: Session, *, technical: bool = False) -> dict[str, Any]:
    """`technical`: the caller is staff or a key, who know stations by their OCPP identity."""
    return {
        "id": row.public_id,
        "transaction_id": row.ocpp_transaction_id or str(row.pk),
        "identity": shown_identity(row.station, technical=technical),
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
        "failure": failure(row),
        "expires_at": row.expires_at,
        "energy_wh": row.energy_wh,
        "currency": row.currency,
        "total_net": row.total_net,
        "total_tax": row.total_tax,
        "total_gross": row.total_gross,
        "priced_at": row.priced_at,
    }


def failure(row: Session) -> dict[str, Any] | None:
    """Why a session never began, for the program and in the caller's language."""
    if row.state not in (SessionState.CANCELLED, SessionState.FAILED):
        return None
    text = NEVER_STARTED_TEXTS.get(row.end_reason)
    return {"code": row.end_reason, "detail": "" if text is None else str(text)}


def request_to_charger(command: Command | None) -> dict[str, Any] | None:
    if command is None:
        return None
    return {"id": command.pk, "status": command.status, "requested_at": command.requested_at}


def price(found: Price | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"net": found.total_net, "tax": found.total_tax, "gross": found.total_gross}


def started(row: Session) -> dict[str, Any]:
    """What came of asking a charger to start or stop."""
    return {
        "id": row.public_id,
        "transaction_id": row.ocpp_transaction_id or str(row.pk),
        "state": row.state,
        "expires_at": row.expires_at,
        "failure": failure(row),
        "start_request": request_to_charger(row.start_command),
        "stop_request": request_to_charger(row.stop_command),
    }


def created(row: Session, version: TariffVersion | None) -> dict[str, Any]:
    return {**session(row), "tariff": None if version is None else tariff(version)}


def live(found: LiveSession) -> dict[str, Any]:
    """What those who watch a session see. Nothing in it changes by the mere passing of time."""
    row = found.session
    connector, station = row.connector, row.station
    is_ended = row.state == SessionState.ENDED
    final = {"net": row.total_net, "tax": row.total_tax, "gross": row.total_gross}
    return {
        "id": row.public_id,
        "transaction_id": row.ocpp_transaction_id or str(row.pk),
        # One feed for the driver and for staff: the name that both may know.
        "identity": station.public_code,
        "evse_id": connector.evse.evse_id,
        "connector_id": connector.connector_id,
        "state": row.state,
        "expires_at": row.expires_at,
        "failure": failure(row),
        "is_online": station.is_online,
        "connector_status": connector.status,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "end_reason": row.end_reason,
        "energy_wh": found.energy_wh,
        "power_w": found.power_w,
        "soc_percent": found.soc_percent,
        "measured_at": found.measured_at,
        "charging_ended_at": found.flow_ended_at,
        "currency": row.currency,
        "price": final if is_ended and row.priced_at else price(found.price),
        "is_final": is_ended and row.priced_at is not None and not row.is_held,
        "start_request": request_to_charger(row.start_command),
        "stop_request": request_to_charger(row.stop_command),
    }


def reservation(row: Reservation) -> dict[str, Any]:
    connector = row.connector
    return {
        "id": row.public_id,
        "identity": row.station.public_code,
        "evse_id": None if connector is None else connector.evse.evse_id,
        "connector_id": None if connector is None else connector.connector_id,
        "site": row.station.site.name,
        "state": row.state,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "ended_at": row.ended_at,
        "session_id": None if row.session is None else row.session.public_id,
    }


def summary(found: Summary, *, technical: bool = False) -> dict[str, Any]:
    version = found.session.tariff_version
    return {
        **session(found.session, technical=technical),
        "energy_wh": found.energy_wh,
        "is_final": found.is_final,
        "as_of": found.at,
        "duration_seconds": None if found.duration is None else int(found.duration.total_seconds()),
        "charging_ended_at": found.flow_ended_at,
        "power_w": found.power_w,
        "soc_percent": found.soc_percent,
        "price_so_far": price(found.price_so_far),
        "start_request": request_to_charger(found.session.start_command),
        "stop_request": request_to_charger(found.session.stop_command),
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
