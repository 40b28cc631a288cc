"""When cars were unplugged: until then an idle fee may run, also after the session ended."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import OuterRef, Subquery

from chargepoints.domain.clocks import effective_time
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import ConnectorStatusEvent
from csms.common.sweeping import on_its_own
from transactions.domain.states import SessionState
from transactions.locks import lock_session
from transactions.models import Session, SessionEvent
from transactions.services.pricing import reprice

# A car that is not unplugged for longer is a matter for people, not for a fee.
LOOK_BACK = timedelta(hours=24)
_LIMIT = 500


def record_unplugged(now: datetime) -> int:
    """Find the unplugging of sessions with an idle fee and price them anew; returns how many.

    A car is unplugged when its connector first reports Available after the energy stopped.
    """
    unplugging = (
        ConnectorStatusEvent.objects.filter(
            connector_id=OuterRef("connector_id"),
            status=ConnectorStatus.AVAILABLE.value,
            received_at__gte=OuterRef("charging_ended_at"),
        )
        .order_by("received_at", "pk")
        .values("pk")[:1]
    )
    waiting = (
        Session.objects.filter(
            state=SessionState.ENDED,
            ended_at__gte=now - LOOK_BACK,
            unplugged_at__isnull=True,
            charging_ended_at__isnull=False,
            priced_at__isnull=False,
            tariff_version__idle_price_per_minute__gt=0,
        )
        .annotate(event_id=Subquery(unplugging))
        .filter(event_id__isnull=False)
        .order_by("pk")
    )
    found = dict(waiting.values_list("pk", "event_id")[:_LIMIT])
    events = ConnectorStatusEvent.objects.in_bulk(found.values())
    recorded = 0
    for session_id, event_id in found.items():
        event = events[event_id]
        at = effective_time(event.reported_at, event.received_at)
        with on_its_own("session_not_repriced", session=session_id):
            recorded += unplug(session_id, at, now)
    return recorded


@transaction.atomic
def unplug(session_id: int, unplugged_at: datetime, now: datetime) -> bool:
    """Note when the car was unplugged and price the session anew; False if it was known.

    Raises `PricingFailed`.
    """
    session = lock_session(session_id)
    if session.unplugged_at is not None or session.charging_ended_at is None:
        return False
    session.unplugged_at = max(unplugged_at, session.charging_ended_at)
    session.save(update_fields=["unplugged_at"])
    SessionEvent.objects.create(session=session, at=session.unplugged_at, kind="unplugged")
    reprice(session, now)
    return True
