"""What chargers report for their security log."""

from django.db import transaction

from chargepoints.domain.clocks import effective_time
from chargepoints.domain.reports import SecurityReport
from chargepoints.domain.security import is_critical
from chargepoints.domain.text import fit
from chargepoints.models import Alert, SecurityEvent
from chargepoints.services.alerts import raise_alert

TYPE_LENGTH = 255
INFO_LENGTH = 1000


@transaction.atomic
def report_security_event(station_id: int, report: SecurityReport) -> None:
    """Keep the event, and raise an alert if it is critical."""
    event = SecurityEvent.objects.create(
        station_id=station_id,
        type=fit(report.type, TYPE_LENGTH),
        is_critical=is_critical(report.type),
        tech_info=fit(report.tech_info, INFO_LENGTH),
        occurred_at=effective_time(report.occurred_at, report.received_at),
        received_at=report.received_at,
    )
    if event.is_critical:
        raise_alert(
            station_id,
            Alert.Kind.CRITICAL_SECURITY_EVENT,
            detail=f"{event.type}: {event.tech_info}" if event.tech_info else event.type,
            at=report.received_at,
        )
