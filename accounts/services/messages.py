"""Mails and text messages about an account: queued as rows, sent after the commit, swept.

A code, or a set-up link's token, is made when it is sent and kept as a hash only: neither the queue
nor the broker ever holds one. Sending again, after an answer that was lost, makes another; the
newest one counts.
"""

import re
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import MessageKind
from accounts.events import AccountMessageQueued
from accounts.models import AccountMessage, StaffInvitation, User, Verification
from accounts.models.verifications import CODE_LIFETIME, code_digest, new_code
from accounts.services.set_up_links import replace_token, set_up_url
from csms.common import clock, sms
from csms.common.events import publish
from csms.common.sweeping import on_its_own

logger = structlog.get_logger(__name__)
# Longer than any back end may take: a claim that old is of a worker that died.
CLAIM_RUNS_OUT = timedelta(minutes=1)
# Before the next attempt, after so many; afterwards always the last. The server may be away long.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (0.3, 1, 2, 4, 8, 16, 30))
NOTICES_WORTH_SENDING_FOR = timedelta(hours=24)
KEPT_FOR = timedelta(days=30)
# RFC 5321 section 4.2.3.
SERVICE_CLOSES = 421
NO_SUCH_ADDRESS = (550, 551, 553)
_ENHANCED_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


def queue(
    kind: MessageKind,
    contact: Contact,
    *,
    language: str,
    at: datetime,
    verification: Verification | None = None,
    invitation: StaffInvitation | None = None,
    send_before: datetime | None = None,
    detail: str = "",
) -> AccountMessage:
    """Part of the caller's transaction; what is not sent by `send_before` is not sent."""
    message = AccountMessage.objects.create(
        kind=kind,
        channel=contact.channel,
        address=contact.value,
        language=language,
        verification=verification,
        invitation=invitation,
        detail=detail[:100],
        queued_at=at,
        send_before=send_before or at + NOTICES_WORTH_SENDING_FOR,
    )
    publish(AccountMessageQueued(message.pk))
    return message


def notify(user: User, kind: MessageKind, *, at: datetime, detail: str = "") -> None:
    """Tell the owner of something that they should know if it was not them."""
    if user.contact is not None:
        queue(kind, user.contact, language=user.language, at=at, detail=detail)


def deliver(message_id: UUID, at: datetime) -> bool:
    """Send the message if it is due; False if the mail or SMS server took nothing at all.

    An address that does not exist is not tried again. Whatever else the server refuses it for may
    be mended, and is tried again; neither holds up the messages to others.
    """
    claimed = _claim(message_id, at)
    if claimed is None:
        return True
    message, secret = claimed
    try:
        if message.kind != MessageKind.NOTHING:
            _send(message, secret)
    except _NoWords:
        # Of a newer version, which still runs or comes back: it knows them.
        logger.error("account_message_unknown", kind=message.kind, message_id=str(message_id))
        AccountMessage.objects.filter(pk=message.pk).update(claimed_at=None)
        return True
    except SMTPRecipientsRefused as refusal:
        return _refused(message, refusal, at)
    except OSError:
        # The sweeper tries again, as long as it is worth it.
        logger.exception("account_message_not_sent", kind=message.kind, message_id=str(message_id))
        AccountMessage.objects.filter(pk=message.pk).update(claimed_at=None)
        return False
    AccountMessage.objects.filter(pk=message.pk).update(sent_at=at, refused_at=None)
    return True


def _refused(message: AccountMessage, refusal: SMTPRecipientsRefused, at: datetime) -> bool:
    """Note the refusal; False if the server closes, and takes nothing from anybody."""
    replies = list(refusal.recipients.values())
    for_good = all(_is_of_the_address(code, text) for code, text in replies)
    logger.error(
        "account_message_refused",
        kind=message.kind,
        message_id=str(message.pk),
        codes=[code for code, _text in replies],
        for_good=for_good,
    )
    AccountMessage.objects.filter(pk=message.pk, sent_at=None).update(
        claimed_at=None, refused_at=at if for_good else None
    )
    return all(code != SERVICE_CLOSES for code, _text in replies)


def _is_of_the_address(code: int, text: bytes | str) -> bool:
    """Whether there is no such address, rather than that this sender or its server is not let in.

    By the enhanced status 5.1.x (RFC 3463 section 3.2), without one by the code.
    """
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    status = _ENHANCED_STATUS.match(words)
    return status[0].startswith("5.1.") if status else code in NO_SUCH_ADDRESS


def deliver_due(at: datetime) -> int:
    """Send what a lost nudge or a server that was away left behind; how many were tried."""
    due = list(_due(at).order_by("queued_at").values_list("pk", flat=True)[:500])
    began = clock.now()
    for tried, message_id in enumerate(due, start=1):
        # A claim that begins in the past would run out too early.
        passed = clock.now() - began
        with on_its_own("account_message_failed", message_id=str(message_id)):
            # A server that does not answer costs its time-out: once a run is enough.
            if not deliver(message_id, at + passed):
                return tried
    return len(due)


def purge(at: datetime) -> int:
    """Delete messages that nobody asks about any more."""
    deleted, _per_model = AccountMessage.objects.filter(queued_at__lt=at - KEPT_FOR).delete()
    return deleted


def _due(at: datetime) -> QuerySet[AccountMessage]:
    return AccountMessage.objects.filter(
        Q(claimed_at=None) | Q(claimed_at__lt=at - CLAIM_RUNS_OUT),
        Q(next_attempt_at=None) | Q(next_attempt_at__lte=at),
        sent_at=None,
        refused_at=None,
        send_before__gt=at,
    )


@transaction.atomic
def _claim(message_id: UUID, at: datetime) -> tuple[AccountMessage, str] | None:
    message = (
        _due(at)
        .filter(pk=message_id)
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .first()
    )
    if message is None:
        return None
    secret = ""
    if message.kind == MessageKind.CODE and message.verification_id is not None:
        secret = new_code()
        Verification.objects.filter(pk=message.verification_id).update(
            code_digest=code_digest(message.verification_id, secret), expires_at=at + CODE_LIFETIME
        )
    if message.kind == MessageKind.SET_UP_LINK and message.invitation_id is not None:
        token = replace_token(message.invitation_id, at)
        if token is None:
            # Used or withdrawn meanwhile: nobody needs it.
            AccountMessage.objects.filter(pk=message.pk).update(send_before=at)
            return None
        secret = set_up_url(token)
    AccountMessage.objects.filter(pk=message.pk).update(
        claimed_at=at,
        attempts=F("attempts") + 1,
        next_attempt_at=at + WAITS[min(message.attempts, len(WAITS) - 1)],
    )
    return message, secret


class _NoWords(LookupError):
    """No words are known for a message of this kind."""


def _send(message: AccountMessage, secret: str) -> None:
    with translation.override(message.language):
        subject, text = _words(message.kind, secret, message.detail)
        if message.channel == Channel.SMS:
            sms.sender().send(message.address, text)
            return
        body = render_to_string("mail/account.txt", {"text": text})
    EmailMessage(f"[{settings.SERVICE_NAME}] {subject}", body, to=[message.address]).send()


def _words(kind: str, secret: str, detail: str) -> tuple[str, str]:
    """Subject and text, in the language that is active; the text is the whole of an SMS.

    `secret`: the code or the set-up link that the message is about. Raises `_NoWords`.
    """
    service = settings.SERVICE_NAME
    if kind == MessageKind.CODE:
        return _("Your code"), _(
            "%(code)s is your code for %(service)s, valid for 5 minutes. Give it to nobody."
        ) % {"code": secret, "service": service}
    if kind == MessageKind.SET_UP_LINK:
        return _("Set up your access"), _(
            "You have access to the console of %(service)s. Choose your password and second "
            "factor here:\n\n%(url)s\n\nThe link works once, until %(until)s. Give it to nobody. "
            "If you do not expect it, tell the person who runs the console."
        ) % {"service": service, "url": secret, "until": detail}
    if kind == MessageKind.ACCOUNT_EXISTS:
        return _("You have an account already"), _(
            "Somebody wants to use this address at %(service)s, where it belongs to an account "
            "already. If it was you, sign in, or reset your password."
        ) % {"service": service}
    if kind == MessageKind.PASSWORD_CHANGED:
        return _("Your password was changed"), _(
            "The password of your account at %(service)s was changed. If it was not you, reset it "
            "now."
        ) % {"service": service}
    if kind == MessageKind.CONTACT_CHANGED:
        return _("Your address was changed"), _(
            "Your account at %(service)s is reached at %(hint)s from now on. If it was not you, "
            "write to us."
        ) % {"service": service, "hint": detail}
    if kind == MessageKind.SIGN_IN_LINKED:
        return _("A new way to sign in"), _(
            "Your account at %(service)s can be signed in to with %(provider)s from now on. If it "
            "was not you, reset your password and write to us."
        ) % {"service": service, "provider": detail}
    if kind == MessageKind.SIGN_IN_UNLINKED:
        return _("A way to sign in was removed"), _(
            "Your account at %(service)s can no longer be signed in to with %(provider)s. If it "
            "was not you, reset your password and write to us."
        ) % {"service": service, "provider": detail}
    if kind == MessageKind.SIGN_IN_REUSED:
        return _("A device was signed out"), _(
            "A key of your account at %(service)s was used twice, so we signed that device out. If "
            "you see devices in your account that you do not know, change your password."
        ) % {"service": service}
    raise _NoWords(kind)
