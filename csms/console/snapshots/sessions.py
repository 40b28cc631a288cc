from typing import Any
from uuid import UUID

from accounts.selectors.scope import Caller
from csms.common.clock import now
from csms.common.errors import NotFound
from csms.console.audience import in_scope
from csms.console.snapshots.dashboard import delivered_wh, with_latest_reading
from csms.console.snapshots.stations import pretty_value
from transactions.domain.states import UNFINISHED_SESSION_STATES
from transactions.models import Session
from transactions.selectors.metering import curve, measure_until
from transactions.selectors.readings import readings_of


def visible(caller: Caller, public_id: UUID) -> Session:
    """The session; `NotFound` if it does not exist or belongs to another operator."""
    sessions = in_scope(
        with_latest_reading(Session.objects.all(), now()), caller, "station__site__operator"
    ).select_related("station__site__operator", "connector__evse", "tariff_version__tariff")
    session = sessions.filter(public_id=public_id).first()
    if session is None:
        raise NotFound
    return session


def read(caller: Caller, public_id: UUID) -> dict[str, Any]:
    """What the session's page shows. Power W, energy Wh, money and quantities as text."""
    session: Any = visible(caller, public_id)
    is_open = session.state in UNFINISHED_SESSION_STATES
    curve = _curve(session)
    return {
        "session": {
            "state": session.state,
            "is_open": is_open,
            "started_at": session.started_at,
            "ended_at": session.ended_at,
            "charging_ended_at": session.charging_ended_at,
            "unplugged_at": session.unplugged_at,
            "energy_wh": delivered_wh(
                session.register_origin_wh, session.latest_energy_wh, session.energy_wh
            )
            if is_open
            else session.energy_wh,
            "power_w": session.latest_power_w if is_open else None,
            "soc": next((point[3] for point in reversed(curve) if point[3] is not None), None),
            "meter_start_wh": session.meter_start_wh,
            "meter_stop_wh": session.meter_stop_wh,
            "end_reason": session.end_reason,
            "id_token": session.id_token_value,
            "authorization": session.authorization,
            "currency": session.currency,
            "net": _text(session.total_net),
            "tax": _text(session.total_tax),
            "total": _text(session.total_gross),
            "priced_at": session.priced_at,
            "tariff": str(session.tariff_version.tariff) if session.tariff_version else "",
        },
        "curve": curve,
        "lines": [
            {
                "id": line.pk,
                "kind": line.kind,
                "name": line.name,
                "starts_at": line.starts_at,
                "ends_at": line.ends_at,
                "quantity": _text(line.quantity),
                "unit": line.unit,
                "unit_price": _text(line.unit_price),
                "net": _text(line.net),
                "tax": _text(line.tax),
                "gross": _text(line.gross),
            }
            for line in session.cost_lines.all()
        ],
        "events": [
            {"id": e.pk, "at": e.at, "kind": e.kind, "detail": pretty_value(e.detail)}
            for e in session.events.all()[:200]
        ],
        "review": [
            {
                "id": item.pk,
                "kind": item.kind,
                "detail": item.detail,
                "at": item.received_at,
                "resolved_at": item.resolved_at,
                "resolution": item.resolution,
            }
            for item in session.review_items.all()[:20]
        ],
    }


def _curve(session: Session) -> list[list[float | bool | None]]:
    """`[unix seconds, W, Wh since the start, SoC %, after a gap]` in order of time."""
    if session.started_at is None:
        return []
    points = readings_of(session)
    delivered = measure_until(session, points, now())
    return [
        [
            point.at.timestamp(),
            point.power_w,
            point.energy_wh,
            None if point.soc_percent is None else float(point.soc_percent),
            point.after_gap,
        ]
        for point in curve(session, points, delivered)
    ]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
