"""Drivers: registering, confirming, and what they may change about themselves.

Nobody is told whether an address or number is known: every answer is that a code is on its way.
What is known already gets a message of another kind, to its owner.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from accounts.domain.contacts import Channel, Contact
from accounts.domain.passwords import normalized
from accounts.domain.states import MessageKind, Purpose, Role
from accounts.models import User, Verification
from accounts.models.verifications import contact_digest
from accounts.selectors.people import user_by_contact
from accounts.services import consents, messages, verifications
from accounts.services.consents import Choice
from csms.common import audit
from csms.common.errors import Conflict, FieldError, InvalidInput, NotFound


def register(
    contact: Contact,
    password: str,
    *,
    address: str,
    at: datetime,
    language: str = "",
    display_name: str = "",
) -> Verification:
    """Note that somebody wants an account; there is none before the code has been entered.

    Raises `InvalidInput` for a password that is not good enough, and as `verifications.ask`.
    """
    display_name = checked_name(display_name)
    check_password(password, person_at(contact, display_name))
    known = user_by_contact(contact)
    return verifications.ask(
        verifications.Request(
            purpose=Purpose.REGISTER,
            contact=contact,
            kind=MessageKind.CODE if known is None else MessageKind.ACCOUNT_EXISTS,
            language=language if known is None else known.language,
            display_name=display_name,
            password_hash=make_password(normalized(password)),
        ),
        address=address,
        at=at,
    )


def verify(verification_id: UUID, code: str, *, at: datetime) -> Verification:
    """Enter the code of a registration or of a new address.

    Raises `InvalidInput` if it is not right, `Conflict` if the address was taken meanwhile.
    """
    return verifications.redeem(
        verification_id,
        code,
        purposes=(Purpose.REGISTER, Purpose.CHANGE_CONTACT),
        at=at,
        then=lambda asked: _complete(asked, at),
    )


def _complete(asked: Verification, at: datetime) -> Verification:
    try:
        with transaction.atomic():
            if asked.purpose == Purpose.REGISTER:
                _create(asked, at)
            else:
                _change_contact(asked, at)
    except IntegrityError as error:
        # Somebody else proved the same address between the request and the code.
        text = _("This address belongs to an account already. Sign in, or reset your password.")
        raise Conflict(text, code="address_taken") from error
    verifications.close_registrations(asked.address_digest, at=at)
    return asked


def _create(asked: Verification, at: datetime) -> User:
    user = User(
        password=asked.password_hash,
        display_name=asked.display_name,
        language=asked.language,
        **_contact_fields(asked.contact, at),
    )
    user.save(force_insert=True)
    audit.record(user, "driver.register", user, changes={"channel": asked.channel})
    return user


def _change_contact(asked: Verification, at: datetime) -> None:
    user = (
        User.objects.select_for_update(of=("self",), no_key=True)
        .filter(verifications=asked, role=Role.DRIVER, is_active=True)
        .first()
    )
    # Under another password it may have been somebody else who asked, whom the new one shut out.
    if user is None or not constant_time_compare(asked.password_mark, user.get_session_auth_hash()):
        raise NotFound
    former = user.contact
    fields = _contact_fields(asked.contact, at)
    for name, value in fields.items():
        setattr(user, name, value)
    user.save(update_fields=list(fields))
    # What was sent to the former address must not open the account any more.
    verifications.close_all(user, at=at)
    audit.record(user, "driver.change_contact", user, changes={"channel": asked.channel})
    if former is not None:
        messages.queue(
            MessageKind.CONTACT_CHANGED,
            former,
            language=user.language,
            at=at,
            detail=asked.contact.hint,
        )


def _contact_fields(contact: Contact, at: datetime) -> dict[str, Any]:
    if contact.channel is Channel.SMS:
        return {
            "phone": contact.value,
            "phone_digest": contact_digest(contact),
            "phone_verified_at": at,
        }
    return {"email": contact.value, "email_verified_at": at}


@transaction.atomic
def update_profile(
    user: User,
    *,
    address: str,
    at: datetime,
    display_name: str | None = None,
    language: str | None = None,
    contact: Contact | None = None,
    choices: Iterable[Choice] = (),
) -> Verification | None:
    """Change what is given, all or nothing; the verification that a new `contact` waits for.

    Audited by the names of the fields, not by what stood in them. Raises as `verifications.ask`
    and `consents.record`.
    """
    given = {"display_name": display_name, "language": language}
    if display_name is not None:
        given["display_name"] = checked_name(display_name)
    changed = [
        name for name, value in given.items() if value is not None and value != getattr(user, name)
    ]
    for name in changed:
        setattr(user, name, given[name])
    if changed:
        user.save(update_fields=changed)
        audit.record(user, "driver.update", user, changes={"fields": changed})
    for choice in choices:
        consents.record(
            user,
            choice.purpose,
            choice.decision,
            text_version=choice.text_version,
            channel=choice.channel,
            address=address,
        )
    if contact is None:
        return None
    return _ask_to_change_contact(user, contact, address=address, at=at)


def _ask_to_change_contact(
    user: User, contact: Contact, *, address: str, at: datetime
) -> Verification:
    """Send a code to the new address or number, which counts only once the code is entered."""
    known = user_by_contact(contact)
    if known is not None and known.pk == user.pk:
        text = _("This is your address already.")
        field = "phone" if contact.channel is Channel.SMS else "email"
        raise InvalidInput(text, errors=[FieldError(field, "unchanged", text)])
    return verifications.ask(
        verifications.Request(
            purpose=Purpose.CHANGE_CONTACT,
            contact=contact,
            user=user,
            password_mark=user.get_session_auth_hash(),
            kind=MessageKind.CODE if known is None else MessageKind.ACCOUNT_EXISTS,
            language=(known or user).language,
        ),
        address=address,
        at=at,
    )


def checked_name(name: str) -> str:
    """The name in one line; `InvalidInput` for signs that cannot be seen."""
    plain = " ".join(name.split())
    if plain and not plain.isprintable():
        text = _("A name has printable characters only.")
        raise InvalidInput(text, errors=[FieldError("display_name", "invalid", text)])
    return plain


def person_at(contact: Contact, display_name: str = "") -> User:
    """Somebody who is no user yet, for the rules that compare a password with its owner."""
    if contact.channel is Channel.SMS:
        return User(phone=contact.value, display_name=display_name)
    return User(email=contact.value, display_name=display_name)


def check_password(password: str, user: User, *, field: str = "password") -> None:
    """Raise `InvalidInput` with every rule that the password breaks."""
    try:
        validate_password(normalized(password), user)
    except ValidationError as error:
        raise InvalidInput(
            " ".join(error.messages),
            code="password_not_accepted",
            errors=[
                FieldError(field, str(one.code or "invalid"), " ".join(one.messages))
                for one in error.error_list
            ],
        ) from error
