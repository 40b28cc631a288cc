"""Connectors as those who watch them see them: one, or all of an operator's."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
)
from django.db.models.functions import Cast

from chargepoints.models import Connector
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Reading, Session

# What was read of a connector; to be compared, and given to `live_connector`.
Row = tuple[Any, ...]
# The bound on the partition key; what was reported longer ago says nothing of now.
_FRESH = timedelta(minutes=15)
_FIELDS = (
    "pk",
    "evse__station_id",
    "evse__station__site__operator_id",
    "evse__station__identity",
    "evse__station__public_code",
    "evse__evse_id",
    "connector_id",
    "evse__public_code",
    "evse__station__site__name",
    "type",
    "max_power_w",
    "status",
    "status_at_text",
    "error_code",
    "evse__station__is_online",
    "evse__station__site__is_active",
    "evse__station__site__operator__is_active",
)


@dataclass(frozen=True, slots=True)
class LiveConnector:
    """`station_code`, `public_code`: what the public calls the station, the EVSE.

    `is_public`: open to everybody, not to the operator's staff alone.
    """

    connector_id: int
    station_id: int
    operator_id: int
    identity: str
    station_code: str
    evse_number: int
    connector_number: int
    public_code: str
    site: str
    type: str
    max_power_w: int | None
    status: str
    status_at: datetime | None
    error_code: str
    is_online: bool
    is_public: bool


_NAMES = [field.name for field in fields(LiveConnector) if field.name != "is_public"]


def read_rows(connectors: QuerySet[Connector]) -> dict[int, Row]:
    """By key, in one query; those of archived stations are not there.

    A row is another exactly if what `live_connector` makes of it is another. Of 20,000 the most are
    as they were: so the time stays a text here, to make one of it costs more than all the rest.
    """
    rows = (
        connectors.filter(evse__station__archived_at__isnull=True)
        .order_by()
        .annotate(status_at_text=Cast("status_at", TextField()))
        .values_list(*_FIELDS)
    )
    return {row[0]: row for row in rows}


def live_connector(row: Row) -> LiveConnector:
    *facts, site_is_active, operator_is_active = row
    named: dict[str, Any] = dict(zip(_NAMES, facts, strict=True))
    named["status_at"] = _moment(named["status_at"])
    return LiveConnector(**named, is_public=site_is_active and operator_is_active)


def _moment(text: str | None) -> datetime | None:
    """Of a database's text, which has an offset (PostgreSQL) or is UTC (SQLite)."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def by_key(connector_ids: Collection[int]) -> dict[int, LiveConnector]:
    rows = read_rows(Connector.objects.filter(pk__in=connector_ids))
    return {key: live_connector(row) for key, row in rows.items()}


@dataclass(frozen=True, slots=True)
class RunningSession:
    """What a board shows of the session at a connector. Power W, energy Wh."""

    public_id: Any
    state: str
    started_at: datetime
    energy_wh: int
    power_w: int | None


def running_sessions(scope: Q, at: datetime) -> dict[int, RunningSession]:
    """By connector, in one query; `scope` is a condition on sessions."""
    latest = Reading.objects.filter(
        session_id=OuterRef("pk"), received_at__gte=at - _FRESH
    ).order_by("-measured_at")
    power = latest.filter(power_w__isnull=False).values("power_w")[:1]
    energy = latest.filter(energy_wh__isnull=False).values("energy_wh")[:1]
    sessions = (
        Session.objects.filter(scope, state__in=OPEN_SESSION_STATES)
        .order_by()
        .annotate(
            latest_power=Subquery(power, output_field=IntegerField()),
            latest_register=Subquery(energy, output_field=BigIntegerField()),
        )
        .only("public_id", "connector_id", "state", "started_at", "meter_start_wh", "register_kind")
    )
    return {session.connector_id: _running(session) for session in sessions}


def _running(session: Any) -> RunningSession:
    origin, register = session.register_origin_wh, session.latest_register
    is_known = origin is not None and register is not None
    return RunningSession(
        public_id=session.public_id,
        state=session.state,
        started_at=session.started_at,
        energy_wh=max(register - origin, 0) if is_known else 0,
        power_w=session.latest_power,
    )
