"""Sessions as people and programs may see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, QuerySet, When

from accounts.models import User
from accounts.selectors.scope import Caller, is_staff_like, within_scope
from csms.common.errors import NotFound
from transactions.domain.pricing import Price
from transactions.domain.states import OPEN_SESSION_STATES, SessionState
from transactions.models import CostLine, ReviewItem, Session
from transactions.selectors.metering import curve, measure_until
from transactions.selectors.readings import CurvePoint, readings_of
from transactions.selectors.running_price import running_price
from transactions.selectors.session_filters import filtered

LARGEST_ID = 2**63 - 1
LONGEST_TRANSACTION_ID = 255


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
        "station__site__operator",
        "connector__evse",
        "driver",
        "id_token",
        "tariff_version__tariff",
        "start_command",
        "stop_command",
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


def find_transaction(caller: Caller, transaction_id: str) -> Session:
    """The session by the number that its charger knows it by; `NotFound` if it is not visible.

    For OCPP 1.6 that is the number that we gave. Numbers of chargers (2.x) may repeat: the one that
    runs is meant, else the latest.
    """
    if "\x00" in transaction_id or len(transaction_id) > LONGEST_TRANSACTION_ID:
        raise NotFound  # no column takes it
    running_first = Case(When(state__in=OPEN_SESSION_STATES, then=0), default=1)
    found = (
        filtered(with_places(visible_to(caller)), transaction_id=transaction_id)
        .order_by(running_first, "-pk")
        .first()
    )
    if found is None:
        raise NotFound
    return found


def history_of(caller: Caller, user_id: int) -> QuerySet[Session]:
    """The sessions of one driver, as far as the caller may see them, with their places.

    `NotFound` for another driver, and for staff where the driver has none at their stations.
    """
    if user_id > LARGEST_ID:
        raise NotFound
    sessions = visible_to(caller).filter(driver_id=user_id)
    is_own = isinstance(caller, User) and caller.pk == user_id
    if not is_own and not sessions.exists():
        raise NotFound
    return with_places(sessions).order_by("-id")


@dataclass(frozen=True, slots=True)
class Summary:
    """All about one session. While it runs, energy and duration are those until `at`.

    `is_final`: ended, priced and not held. `review_items` are the open ones. `price_so_far`: what
    a running session would cost if it ended at `at`.
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
    price_so_far: Price | None = None


def summary(session: Session, at: datetime) -> Summary:
    """The session's page in three queries, however many readings; `session` comes from `find`.

    Another one or two for the tariff while it runs.
    """
    rows = readings_of(session)
    is_running = session.state in OPEN_SESSION_STATES
    energy_wh, flow_ended_at = session.energy_wh, session.charging_ended_at
    points: list[CurvePoint] = []
    price_so_far = None
    if session.started_at is not None:
        delivered = measure_until(session, rows, at)
        points = curve(session, rows, delivered)
        if is_running:
            energy_wh, flow_ended_at = delivered.energy_wh, delivered.flow_ended_at
            price_so_far = running_price(session, delivered, at)
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
        price_so_far=price_so_far,
    )
