"""Alerts, as far as the caller may see them, and those that nobody was told of yet."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts.selectors.scope import Caller, within_scope
from chargepoints.domain.text import fit
from chargepoints.models import Alert
from csms.common.errors import NotFound

# How long a process may need to send; a claim that is older belongs to one that died.
MAIL_LEASE = timedelta(minutes=10)
# `open` is what nobody has acknowledged yet.
STATES: dict[str, Q] = {
    "open": Q(resolved_at__isnull=True, acknowledged_at__isnull=True),
    "acknowledged": Q(resolved_at__isnull=True, acknowledged_at__isnull=False),
    "resolved": Q(resolved_at__isnull=False),
}


@dataclass(frozen=True, slots=True)
class AlertFilters:
    """`state` is one of `STATES`, `identity` a station's in any case; empty: no matter."""

    state: str = ""
    kind: str = ""
    severity: str = ""
    identity: str = ""


def visible_to(caller: Caller) -> QuerySet[Alert]:
    """All alerts of the caller's operators with their stations, the latest first."""
    return Alert.objects.filter(within_scope(caller, "station__site__operator")).select_related(
        "station__site", "acknowledged_by", "resolved_by"
    )


def unresolved_for(caller: Caller) -> QuerySet[Alert]:
    return visible_to(caller).filter(resolved_at__isnull=True)


def filtered(alerts: QuerySet[Alert], filters: AlertFilters) -> QuerySet[Alert]:
    if filters.state:
        alerts = alerts.filter(STATES[filters.state])
    if filters.kind:
        alerts = alerts.filter(kind=filters.kind)
    if filters.severity:
        alerts = alerts.filter(severity=filters.severity)
    if filters.identity:
        alerts = alerts.filter(station__identity__iexact=fit(filters.identity, 255))
    return alerts


def find(caller: Caller, alert_id: int) -> Alert:
    """The alert with its station; `NotFound` also where the caller may not see it."""
    alert = visible_to(caller).filter(pk=alert_id).first()
    if alert is None:
        raise NotFound
    return alert


def state_of(alert: Alert) -> str:
    """One of `STATES`."""
    if alert.resolved_at is not None:
        return "resolved"
    return "open" if alert.acknowledged_at is None else "acknowledged"


def to_be_told(at: datetime) -> QuerySet[Alert]:
    """Those that nobody has acknowledged, was told of, or is being told of."""
    return Alert.objects.filter(
        Q(mail_claimed_at__isnull=True) | Q(mail_claimed_at__lt=at - MAIL_LEASE),
        notified_at__isnull=True,
        acknowledged_at__isnull=True,
    )


def operator_of(alert_id: int) -> int | None:
    """The key of the operator whose station it is; None if there is no such alert."""
    return (
        Alert.objects.filter(pk=alert_id).values_list("station__site__operator", flat=True).first()
    )
