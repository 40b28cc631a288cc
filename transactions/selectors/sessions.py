"""Sessions as people and programs may see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from accounts.selectors.scope import Caller, is_staff_like, within_scope
from csms.common.errors import NotFound
from transactions.domain.states import OPEN_SESSION_STATES, SessionState
from transactions.models import CostLine, ReviewItem, Session
from transactions.selectors.metering import curve, measure_until
from transactions.selectors.readings import CurvePoint, readings_of


def visible_to(caller: Caller) -> QuerySet[Session]:
    """Staff and keys: their operators' sessions. A driver: the own ones. Anybody else: none."""
    if is_staff_like(caller):
        return Session.objects.filter(within_scope(caller, "station__site__operator"))
    if isinstance(caller, User) and caller.is_active:
        return Session.objects.filter(driver=caller)
    return Session.objects.none()


def with_places(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """With everything that a list or a summary shows of a session, in the same query."""
    return sessions.select_related(
        "station__site__operator", "connector__evse", "driver", "id_token", "tariff_version__tariff"
    )


def find(caller: Caller, public_id: UUID | str) -> Session:
    """The session, with its places; `NotFound` also where the caller may not see it."""
    try:
        wanted = UUID(str(public_id))
    except ValueError as error:
        raise NotFound from error
    session = with_places(visible_to(caller)).filter(public_id=wanted).first()
    if session is None:
        raise NotFound
    return session


@dataclass(frozen=True, slots=True)
class Summary:
    """All about one session. While it runs, energy and duration are those until `at`.

    `is_final`: ended, priced and not held. `review_items` are the open ones.
    """

    session: Session
    at: datetime
    energy_wh: int
    duration: timedelta | None
    power_w: int | None
    soc_percent: int | None
    flow_ended_at: datetime | None
    curve: tuple[CurvePoint, ...]
    lines: tuple[CostLine, ...]
    review_items: tuple[ReviewItem, ...]
    is_final: bool


def summary(session: Session, at: datetime) -> Summary:
    """The session's page in three queries, however many readings; `session` comes from `find`."""
    rows = readings_of(session)
    is_running = session.state in OPEN_SESSION_STATES
    energy_wh, flow_ended_at = session.energy_wh, session.charging_ended_at
    points: list[CurvePoint] = []
    if session.started_at is not None:
        delivered = measure_until(session, rows, at)
        points = curve(session, rows, delivered)
        if is_running:
            energy_wh, flow_ended_at = delivered.energy_wh, delivered.flow_ended_at
    until = at if is_running else session.ended_at
    newest_power = next((row.power_w for row in reversed(rows) if row.power_w is not None), None)
    newest_soc = next(
        (row.soc_percent for row in reversed(rows) if row.soc_percent is not None), None
    )
    return Summary(
        session=session,
        at=at,
        energy_wh=energy_wh,
        duration=until - session.started_at if until and session.started_at else None,
        power_w=newest_power if is_running else None,
        soc_percent=None if newest_soc is None else round(newest_soc),
        flow_ended_at=flow_ended_at,
        curve=tuple(points),
        lines=tuple(session.cost_lines.order_by("position")),
        review_items=tuple(session.review_items.filter(resolved_at__isnull=True).order_by("pk")),
        is_final=(
            session.state == SessionState.ENDED
            and session.priced_at is not None
            and not session.is_held
        ),
    )
