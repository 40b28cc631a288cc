"""Sweepers: they find in the rows what a lost message left behind."""

from celery import shared_task

from chargepoints.services import certificates, commands
from csms.common import clock


@shared_task
def expire_due_commands() -> int:
    return commands.expire_due(clock.now())


@shared_task
def sign_left_behind_certificates() -> int:
    return certificates.sign_left_behind(clock.now())
