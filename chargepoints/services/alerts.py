"""Alerts: raised by whatever notices something, acknowledged and resolved by people."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from chargepoints.domain.text import fit
from chargepoints.events import AlertRaised
from chargepoints.locks import lock_alert
from chargepoints.models import Alert
from csms.common.audit import Actor, record
from csms.common.clock import now
from csms.common.errors import FieldError, InvalidInput
from csms.common.events import publish

DETAIL_LENGTH = 1000
RESOLUTION_LENGTH = 500
# Somebody may be inside the charger or the network; the rest can wait for the morning.
_CRITICAL = frozenset({Alert.Kind.CRITICAL_SECURITY_EVENT, Alert.Kind.ANOTHER_DEVICE})


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One reason for an alert. `detail` may hold a charger's words."""

    station_id: int
    kind: Alert.Kind
    detail: str
    at: datetime


def severity_of(kind: Alert.Kind) -> Alert.Severity:
    return Alert.Severity.CRITICAL if kind in _CRITICAL else Alert.Severity.WARNING


def raise_alert(station_id: int, kind: Alert.Kind, *, detail: str, at: datetime) -> None:
    """Open an alert, or count up the one that is open."""
    raise_alerts([Occurrence(station_id, kind, detail, at)])


@transaction.atomic(savepoint=False)
def raise_alerts(occurrences: Iterable[Occurrence]) -> None:
    """Open or count up, in one statement, whatever other processes raise meanwhile.

    The newest detail is kept. Who listens is told of those that open, not of each count.
    """
    items = list(occurrences)
    counts = Counter((item.station_id, item.kind) for item in items)
    newest = {(item.station_id, item.kind): item for item in items}
    if not newest:
        return
    table = connection.ops.quote_name(Alert._meta.db_table)
    values: list[Any] = []
    for key in sorted(newest):
        station_id, kind = key
        at = connection.ops.adapt_datetimefield_value(newest[key].at)
        detail = fit(newest[key].detail, DETAIL_LENGTH)
        values += [station_id, kind.value, severity_of(kind).value, detail, counts[key], at, at]
    # Only our own table's name is put into the text; every value is a parameter.
    statement = (
        f"INSERT INTO {table} (station_id, kind, severity, detail, count, first_at, last_at, "  # noqa: S608
        "resolution) VALUES "
        + ", ".join(["(%s, %s, %s, %s, %s, %s, %s, '')"] * len(newest))
        + " ON CONFLICT (station_id, kind) WHERE resolved_at IS NULL DO UPDATE SET "
        f"count = {table}.count + excluded.count, detail = excluded.detail, "
        "last_at = excluded.last_at RETURNING id, station_id, kind, count"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    for alert_id, station_id, kind_value, count in rows:
        # One that was there before has counted at least one more than this statement brought.
        if count == counts[station_id, Alert.Kind(kind_value)]:
            publish(AlertRaised(alert_id))


@transaction.atomic
def acknowledge(alert_id: int, *, actor: Actor, reason: str = "") -> Alert:
    """Somebody has seen it and sees to it; a repeated call changes nothing.

    Raises `Alert.DoesNotExist`.
    """
    alert = lock_alert(alert_id)
    if alert.acknowledged_at is None:
        _mark_acknowledged(alert, actor)
        alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
        record(actor, "alert.acknowledge", alert, reason=reason)
    return alert


@transaction.atomic
def resolve(alert_id: int, *, actor: Actor, reason: str) -> Alert:
    """Close it; the same again opens a new one. A repeated call changes nothing.

    Raises `InvalidInput` without a reason, `Alert.DoesNotExist`.
    """
    text = reason.strip()
    if not text:
        message = _("Say what was found and done.")
        raise InvalidInput(message, errors=[FieldError("reason", "required", message)])
    alert = lock_alert(alert_id)
    if alert.resolved_at is None:
        if alert.acknowledged_at is None:
            _mark_acknowledged(alert, actor)
        alert.resolved_at = now()
        alert.resolved_by_id = actor.audit_user_id
        alert.resolution = text[:RESOLUTION_LENGTH]
        alert.save(
            update_fields=[
                "acknowledged_at",
                "acknowledged_by",
                "resolved_at",
                "resolved_by",
                "resolution",
            ]
        )
        record(actor, "alert.resolve", alert, reason=text)
    return alert


def _mark_acknowledged(alert: Alert, actor: Actor) -> None:
    alert.acknowledged_at = now()
    alert.acknowledged_by_id = actor.audit_user_id
