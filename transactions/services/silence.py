"""Stations that are offline while somebody is charging there, as far as we know."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from chargepoints.models import Alert, Station
from chargepoints.services.alerts import Occurrence, raise_alerts, resolve
from csms.common.audit import SystemActor
from transactions.domain.states import SessionState
from transactions.models import Session

# Mobile networks come and go; a reboot or an update of its firmware is over by then.
SILENCE = timedelta(minutes=10)
_KIND = Alert.Kind.OFFLINE_IN_SESSION
_RUNNING = (SessionState.ACTIVE, SessionState.INTERRUPTED)
_LIMIT = 1_000
_SWEEPER = SystemActor("sweeper")


def alert_silent(now: datetime) -> None:
    """Raise an alert for each silence of `SILENCE`, and resolve those that are over."""
    running = Session.objects.filter(station=OuterRef("pk"), state__in=_RUNNING)
    # One for each silence, also where a person has resolved it meanwhile.
    told = Alert.objects.filter(
        station=OuterRef("pk"), kind=_KIND, last_at__gte=OuterRef("last_seen_at")
    )
    silent = Station.objects.filter(
        Exists(running),
        ~Exists(told),
        is_online=False,
        archived_at__isnull=True,
        last_seen_at__lt=now - SILENCE,
    )
    raise_alerts(
        Occurrence(station.pk, _KIND, f"last seen {station.last_seen_at:%Y-%m-%d %H:%M} UTC", now)
        for station in silent.order_by("pk")[:_LIMIT]
    )
    _resolve_ended()


def _resolve_ended() -> None:
    running = Session.objects.filter(station=OuterRef("station"), state__in=_RUNNING)
    still = Exists(running.filter(station__is_online=False))
    ended = Alert.objects.filter(~still, kind=_KIND, resolved_at__isnull=True)
    for alert_id in ended.values_list("pk", flat=True):
        resolve(alert_id, actor=_SWEEPER, reason="The station is back, or the session has ended.")
