"""The numbers about sessions on the staff's dashboard, in two queries."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest

from accounts.selectors.scope import Caller, within_scope
from chargepoints.domain.quirks import RegisterKind
from csms.common.clock import BANGKOK, business_day
from transactions.domain.states import OPEN_SESSION_STATES, SessionState
from transactions.models import Reading, Session

# A power that was reported longer ago says nothing of now.
FRESH = timedelta(minutes=15)
_SCOPE = "station__site__operator"


@dataclass(frozen=True, slots=True)
class SessionNumbers:
    """Today is the day in Bangkok. Energy: of sessions ended today and of running ones so far.

    Revenue: VAT included, of sessions that ended today and are not held for review.
    """

    active_sessions: int
    power_w: int
    sessions_today: int
    energy_today_wh: int
    revenue_today: Decimal


def day_start(now: datetime) -> datetime:
    """The midnight in Bangkok that began the day of `now`."""
    return datetime.combine(business_day(now), time(), BANGKOK)


def session_numbers(caller: Caller, now: datetime) -> SessionNumbers:
    """What the caller's operators charge and earn; works from partial and time indexes only."""
    midnight = day_start(now)
    scope = within_scope(caller, _SCOPE)
    fresh = Reading.objects.filter(
        session_id=OuterRef("pk"), received_at__gte=now - FRESH
    ).order_by("-measured_at")
    origin = Case(
        When(register_kind=RegisterKind.PER_SESSION.value, then=Value(0)),
        default=F("meter_start_wh"),
        output_field=BigIntegerField(),
    )
    running = (
        Session.objects.filter(scope, state__in=OPEN_SESSION_STATES)
        .annotate(
            latest_power=Subquery(fresh.filter(power_w__isnull=False).values("power_w")[:1]),
            latest_register=Subquery(fresh.filter(energy_wh__isnull=False).values("energy_wh")[:1]),
        )
        .aggregate(
            number=Count("pk"),
            power=Coalesce(Sum("latest_power"), 0),
            energy=Coalesce(Sum(Greatest(F("latest_register") - origin, 0)), 0),
        )
    )
    ended = Q(state=SessionState.ENDED, ended_at__gte=midnight)
    today = Session.objects.filter(
        scope, Q(started_at__gte=midnight) | Q(ended_at__gte=midnight)
    ).aggregate(
        number=Count("pk", filter=Q(started_at__gte=midnight)),
        energy=Coalesce(Sum("energy_wh", filter=ended), 0),
        revenue=Coalesce(Sum("total_gross", filter=ended & Q(is_held=False)), Decimal("0.00")),
    )
    return SessionNumbers(
        active_sessions=running["number"],
        power_w=running["power"],
        sessions_today=today["number"],
        energy_today_wh=int(running["energy"]) + int(today["energy"]),
        revenue_today=today["revenue"],
    )
