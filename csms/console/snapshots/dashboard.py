from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    QuerySet,
    Subquery,
)

from accounts.selectors.scope import Caller
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Alert, Connector
from chargepoints.selectors import alerts as alert_rows
from chargepoints.selectors.dashboard import board_numbers
from chargepoints.selectors.stations import visible_to as stations_visible_to
from csms.common.clock import now
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Reading, Session
from transactions.selectors import review
from transactions.selectors.dashboard import FRESH, session_numbers
from transactions.selectors.sessions import visible_to as sessions_visible_to

SESSIONS_SHOWN = 15
STATIONS_SHOWN = 100
ALERTS_SHOWN = 8
LOOK_BACK = timedelta(days=3)
CHARGING = (ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE)


def read(caller: Caller) -> dict[str, Any]:
    """Tiles, alerts, the latest sessions and the stations. Power W, energy Wh, money as text."""
    moment = now()
    power = dict(
        with_latest_reading(
            sessions_visible_to(caller).filter(state__in=OPEN_SESSION_STATES), moment
        ).values_list("connector_id", "latest_power_w")
    )
    unresolved = alert_rows.unresolved_for(caller)
    return {
        "tiles": {
            **_network_tiles(caller),
            **_today_tiles(caller, moment),
            "alerts": unresolved.count(),
        },
        "alerts": _alerts(unresolved),
        "sessions": _sessions(caller, moment),
        "stations": _stations(caller, power),
    }


def with_latest_reading(sessions: QuerySet[Session], moment: datetime) -> QuerySet[Any]:
    """Adds `latest_power_w` (only if fresh), `latest_energy_wh` and `latest_soc`."""
    # The bound on the partition key keeps old months out of the search.
    latest = Reading.objects.filter(
        session=OuterRef("pk"), received_at__gte=moment - LOOK_BACK
    ).order_by("-measured_at")
    return sessions.annotate(
        latest_energy_wh=Subquery(
            latest.filter(energy_wh__isnull=False).values("energy_wh")[:1],
            output_field=BigIntegerField(),
        ),
        latest_power_w=Subquery(
            latest.filter(power_w__isnull=False, received_at__gte=moment - FRESH).values("power_w")[
                :1
            ],
            output_field=IntegerField(),
        ),
        latest_soc=Subquery(latest.filter(soc_percent__isnull=False).values("soc_percent")[:1]),
    )


def delivered_wh(origin_wh: int | None, latest_wh: int | None, recorded_wh: int) -> int:
    """Energy so far: the register's advance, or what the session itself records."""
    if origin_wh is None or latest_wh is None:
        return recorded_wh
    return max(latest_wh - origin_wh, recorded_wh, 0)


def _network_tiles(caller: Caller) -> dict[str, int]:
    numbers = board_numbers(caller)
    return {
        "stations": numbers.stations,
        "online": numbers.online,
        "connectors": numbers.connectors,
        "charging": sum(numbers.connectors_by_status[status.value] for status in CHARGING),
        "faulted": numbers.connectors_by_status[ConnectorStatus.FAULTED.value],
        # What an offline charger said last is not what a driver finds.
        "available": Connector.objects.filter(
            status=ConnectorStatus.AVAILABLE,
            evse__station__in=stations_visible_to(caller).filter(is_online=True),
        ).count(),
    }


def _today_tiles(caller: Caller, moment: datetime) -> dict[str, Any]:
    numbers = session_numbers(caller, moment)
    return {
        "sessions": numbers.active_sessions,
        "power_w": numbers.power_w,
        "sessions_today": numbers.sessions_today,
        "energy_today_wh": numbers.energy_today_wh,
        "revenue_today": str(numbers.revenue_today),
        "review": review.open_for(caller).count(),
    }


def _alerts(unresolved: QuerySet[Alert]) -> list[dict[str, Any]]:
    """Those that nobody has acknowledged first, of these the critical ones, then the latest."""
    latest = unresolved.order_by(
        F("acknowledged_at").asc(nulls_first=True), "severity", "-last_at", "-id"
    )
    return [
        {
            "id": alert.pk,
            "kind": alert.kind,
            "severity": alert.severity,
            "station": alert.station.identity,
            "detail": alert.detail,
            "count": alert.count,
            "last_at": alert.last_at,
            "state": alert_rows.state_of(alert),
        }
        for alert in latest[:ALERTS_SHOWN]
    ]


def _sessions(caller: Caller, moment: datetime) -> list[dict[str, Any]]:
    recent = with_latest_reading(
        sessions_visible_to(caller).order_by("-id"), moment
    ).select_related("station__site", "connector__evse")
    return [
        {
            "id": str(session.public_id),
            "number": session.pk,
            "station": session.station.identity,
            "site": session.station.site.name,
            "evse": session.connector.evse.evse_id,
            "id_token": session.id_token_value,
            "state": session.state,
            "started_at": session.started_at,
            "ended_at": session.ended_at,
            "energy_wh": delivered_wh(
                session.register_origin_wh, session.latest_energy_wh, session.energy_wh
            )
            if session.ended_at is None
            else session.energy_wh,
            "power_w": session.latest_power_w if session.ended_at is None else None,
            "soc": None if session.latest_soc is None else float(session.latest_soc),
            "total": None if session.total_gross is None else str(session.total_gross),
        }
        for session in recent[:SESSIONS_SHOWN]
    ]


def _stations(caller: Caller, power: dict[int, int | None]) -> list[dict[str, Any]]:
    plugs = Connector.objects.select_related("evse").order_by("evse__evse_id", "connector_id")
    stations = (
        stations_visible_to(caller)
        .annotate(site_name=F("site__name"))
        .prefetch_related("evses", Prefetch("evses__connectors", queryset=plugs))
    )
    return [
        {
            "id": station.pk,
            "identity": station.identity,
            "site": station.site_name,
            "online": station.is_online,
            "status": station.status,
            "connectors": [
                {
                    "id": plug.pk,
                    "label": f"{evse.evse_id}",
                    "type": plug.type,
                    "status": plug.status,
                    "power_w": power.get(plug.pk),
                }
                for evse in station.evses.all()
                for plug in evse.connectors.all()
            ],
        }
        for station in stations.order_by("identity")[:STATIONS_SHOWN]
    ]
