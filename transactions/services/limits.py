"""Charging profiles of sessions that have ended: the charger drops them, and so do we."""

from datetime import datetime

from chargepoints.domain.states import ProfileState
from chargepoints.models import ChargingProfile
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session


def clear_ended(now: datetime) -> int:
    """Returns how many profiles; 1.6 numbers a transaction by its session."""
    held = ChargingProfile.objects.filter(
        transaction_id__gt=0, state__in=[ProfileState.REQUESTED, ProfileState.ACTIVE]
    )
    open_sessions = Session.objects.filter(
        pk__in=held.values("transaction_id"), state__in=OPEN_SESSION_STATES
    )
    return held.exclude(transaction_id__in=open_sessions.values("pk")).update(
        state=ProfileState.CLEARED, ended_at=now
    )
