"""What a message asks for, and sweepers: they find in the rows what a lost message left behind."""

from celery import shared_task

from chargepoints.services import alert_mails, certificates, commands
from csms.common import clock


@shared_task
def expire_due_commands() -> int:
    return commands.expire_due(clock.now())


@shared_task
def sign_left_behind_certificates() -> int:
    return certificates.sign_left_behind(clock.now())


@shared_task
def tell_of_alert(alert_id: int) -> None:
    alert_mails.tell_of(alert_id, clock.now())


@shared_task
def tell_of_due_alerts() -> None:
    alert_mails.tell_due(clock.now())
