"""What a person agreed to, and took back: only ever added to."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.consents import INDISPENSABLE, Channel, Decision, Purpose
from accounts.locks import lock_user
from accounts.models import ConsentRecord, User
from accounts.selectors.consents import visible_to
from csms.common import clock
from csms.common.errors import Conflict


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said about one purpose, and to which text."""

    purpose: Purpose
    decision: Decision
    text_version: str
    channel: Channel


@transaction.atomic
def record(
    user: User,
    purpose: Purpose,
    decision: Decision,
    *,
    text_version: str,
    channel: Channel,
    address: str,
) -> ConsentRecord:
    """Write a decision down; one that holds already, for the same text, is not written twice.

    `Conflict` for taking back what the service needs, or what was never given.
    """
    if decision == Decision.WITHDRAWN and purpose in INDISPENSABLE:
        text = _("Without this we cannot serve you. Close your account instead.")
        raise Conflict(text, code="account_deletion_needed")
    lock_user(user.pk)
    latest = visible_to(user).filter(purpose=purpose).first()
    if decision == Decision.WITHDRAWN and (latest is None or latest.decision != Decision.GIVEN):
        if latest is not None:
            return latest
        raise Conflict(_("This was never given."), code="consent_not_given")
    same = (decision.value, text_version)
    if latest is not None and (latest.decision, latest.text_version) == same:
        return latest
    return ConsentRecord.objects.create(
        user=user,
        purpose=purpose.value,
        decision=decision.value,
        text_version=text_version,
        channel=channel.value,
        remote_address=address[:64],
        at=clock.now(),
    )
