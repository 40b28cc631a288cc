"""Jobs about accounts and people's data: each finds its work in the rows."""

from importlib import import_module
from uuid import UUID

from celery import shared_task
from django.conf import settings

from accounts.services import (
    data_exports,
    messages,
    retention,
    verifications,
)
from accounts.services.oidc import spending
from csms.common import clock
from csms.common.personal_data import retention_rules


@shared_task
def send_account_message(message_id: str) -> None:
    messages.deliver(UUID(message_id), clock.now())


@shared_task
def send_due_account_messages() -> None:
    messages.deliver_due(clock.now())


@shared_task
def purge_account_leftovers() -> None:
    at = clock.now()
    verifications.purge(at)
    messages.purge(at)
    spending.purge(at)


@shared_task
def build_data_export(export_id: str) -> None:
    data_exports.build(UUID(export_id))


@shared_task
def build_due_data_exports() -> None:
    data_exports.build_due(clock.now())


@shared_task
def expire_data_exports() -> None:
    data_exports.expire_due(clock.now())


@shared_task
def apply_retention() -> None:
    """One job for each kind: an error in one of them must not keep the others from running."""
    for kind in retention_rules():
        apply_retention_rule.delay(kind)


@shared_task
def apply_retention_rule(kind: str) -> None:
    if not retention.apply_rule(kind, clock.now()).is_complete:
        apply_retention_rule.delay(kind)


@shared_task
def purge_browser_sessions() -> None:
    """Those that have expired: nothing else deletes them."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
