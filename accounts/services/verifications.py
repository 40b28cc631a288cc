"""Codes that prove an address or number: asked for, repeated, entered."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.crypto import constant_time_compare
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import MessageKind, Purpose
from accounts.locks import lock_address_of, lock_code_requests, lock_user_of
from accounts.models import User, Verification
from accounts.models.verifications import (
    CODE_LIFETIME,
    LANGUAGES,
    MOST_FAILURES,
    code_digest,
    contact_digest,
)
from accounts.services import code_limits, messages
from csms.common import sms
from csms.common.api.addresses import address_group
from csms.common.errors import FieldError, InvalidInput

# The limits look a day back; what is older answers nothing any more.
KEPT_FOR = timedelta(days=2)
REPEATABLE_FOR = timedelta(days=1)
OF_A_USER = (Purpose.CHANGE_CONTACT, Purpose.RESET_PASSWORD, Purpose.CLOSE_ACCOUNT)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request:
    """What a code is asked for. `kind`: what is sent instead of one, where none may be."""

    purpose: Purpose
    contact: Contact
    user: User | None = None
    kind: MessageKind = MessageKind.CODE
    language: str = ""
    display_name: str = ""
    password_hash: str = ""
    password_mark: str = ""
    first_requested_at: datetime | None = None


def ask(request: Request, *, address: str, at: datetime) -> Verification:
    """Note the request and queue its code. `address`: the caller's.

    Raises `TooManyRequests`, and `InvalidInput` for a number where no messages are sent.
    """
    if request.contact.channel is Channel.SMS and not sms.is_available():
        text = _("Phone numbers are not taken here; use an e-mail address.")
        raise InvalidInput(
            text, code="channel_not_available", errors=[FieldError("phone", "not_available", text)]
        )
    digest, network = contact_digest(request.contact), address_group(address)[:64]
    with transaction.atomic():
        lock_code_requests()
        code_limits.check(
            address_digest=digest, network=network, channel=request.contact.channel, at=at
        )
        asked = Verification.objects.create(
            purpose=request.purpose,
            channel=request.contact.channel,
            user=request.user,
            address=request.contact.value,
            address_digest=digest,
            network=network,
            language=language_of(request.language),
            display_name=request.display_name,
            password_hash=request.password_hash,
            password_mark=request.password_mark,
            requested_at=at,
            first_requested_at=request.first_requested_at,
            expires_at=at + CODE_LIFETIME,
        )
        messages.queue(
            request.kind,
            request.contact,
            language=asked.language,
            at=at,
            verification=asked,
            send_before=at + CODE_LIFETIME,
        )
    return asked


def repeat(verification_id: UUID, *, address: str, at: datetime) -> Verification:
    """The same request anew, with a code of its own; the old one is void. Raises as `ask`.

    `InvalidInput` if there is no such request, or it was closed, or the first one is a day old.
    """
    with transaction.atomic():
        lock_user_of(verification_id)
        known = (
            Verification.objects.select_related("message", "user")
            .annotate(began_at=Coalesce("first_requested_at", "requested_at"))
            .filter(pk=verification_id, closed_at=None, began_at__gt=at - REPEATABLE_FOR)
            .first()
        )
        if known is None:
            text = _("Ask for a new code from the beginning.")
            raise _refused("verification_id", "not_valid", text)
        again = Request(
            purpose=Purpose(known.purpose),
            contact=known.contact,
            user=known.user,
            kind=MessageKind(known.message.kind),
            language=known.language,
            display_name=known.display_name,
            password_hash=known.password_hash,
            password_mark=known.password_mark,
            first_requested_at=known.first_requested_at or known.requested_at,
        )
        asked = ask(again, address=address, at=at)
        Verification.objects.filter(pk=known.pk).update(closed_at=at)
    return asked


def redeem(
    verification_id: UUID,
    code: str,
    *,
    purposes: Iterable[Purpose],
    at: datetime,
    then: Callable[[Verification], Result],
) -> Result:
    """Use the code up and do `then` in the same transaction; `InvalidInput` if it is not right.

    Five failures void the code. What `then` raises leaves it unused.
    """
    with transaction.atomic():
        # The person comes before the code, as wherever all codes of a person are closed.
        lock_user_of(verification_id)
        lock_address_of(verification_id)
        asked = (
            Verification.objects.select_for_update(of=("self",), no_key=True)
            .filter(
                pk=verification_id,
                purpose__in=list(purposes),
                closed_at=None,
                expires_at__gt=at,
                failures__lt=MOST_FAILURES,
            )
            .first()
        )
        if asked is not None:
            if constant_time_compare(asked.code_digest, code_digest(asked.pk, code)):
                asked.closed_at = at
                asked.save(update_fields=["closed_at"])
                return then(asked)
            Verification.objects.filter(pk=asked.pk).update(failures=F("failures") + 1)
    raise _refused("code", "not_valid", _("The code is wrong or has expired. Ask for a new one."))


def close_registrations(address_digest: str, *, at: datetime) -> None:
    """Void what waits for a code at an address that a person has now: it can come to nothing.

    The caller has taken `lock_address` before it gave the address to the person.
    """
    Verification.objects.filter(
        address_digest=address_digest, purpose=Purpose.REGISTER, closed_at=None
    ).update(closed_at=at)


def close_all(user: User, *, at: datetime) -> int:
    """Void every code that waits for this person; how many. The caller holds the person's lock."""
    return Verification.objects.filter(user=user, purpose__in=OF_A_USER, closed_at=None).update(
        closed_at=at
    )


def language_of(language: str) -> str:
    """One of ours: the one that is asked for, or that of the request, or Thai."""
    known = [code for code, _name in LANGUAGES]
    current = (get_language() or "")[:2]
    return next((code for code in (language, current) if code in known), "th")


def purge(at: datetime) -> int:
    """Delete what is too old to be counted or entered."""
    _rows, per_model = Verification.objects.filter(requested_at__lt=at - KEPT_FOR).delete()
    return per_model.get("accounts.Verification", 0)


def _refused(field: str, code: str, text: str) -> InvalidInput:
    return InvalidInput(text, code=f"{field}_{code}", errors=[FieldError(field, code, text)])
