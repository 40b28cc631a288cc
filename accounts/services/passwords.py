"""Changing and resetting a driver's password: every device is signed out by it."""

from datetime import datetime
from uuid import UUID

from axes.utils import reset as forget_failures
from django.db import transaction

from accounts.backends import username_of
from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import MessageKind, Purpose, Role
from accounts.models import User, Verification
from accounts.selectors.people import user_by_contact
from accounts.services import messages, sign_ins, verifications
from accounts.services.drivers import check_password
from csms.common import audit
from csms.common.errors import NotFound


def change(user: User, password: str, *, at: datetime) -> None:
    """Set the password and end all sign-ins. The caller has checked the present one.

    Raises `InvalidInput` for a password that is not good enough.
    """
    check_password(password, user, field="new_password")
    with transaction.atomic():
        _set(user, password, at=at, action="driver.change_password")


def ask_to_reset(contact: Contact, *, address: str, at: datetime) -> Verification:
    """Send a code to whoever has this address; the same answer and work if nobody has.

    Staff sign in with a second factor, which a code by mail must not replace: they get none.
    """
    user = user_by_contact(contact)
    if user is not None and (user.role != Role.DRIVER or not user.is_active):
        user = None
    return verifications.ask(
        verifications.Request(
            purpose=Purpose.RESET_PASSWORD,
            contact=contact,
            user=user,
            kind=MessageKind.NOTHING if user is None else MessageKind.CODE,
            language="" if user is None else user.language,
        ),
        address=address,
        at=at,
    )


def reset(verification_id: UUID, code: str, password: str, *, at: datetime) -> None:
    """Set the password by a code. Raises `InvalidInput` for a wrong code or a bad password.

    The code proves the address as well, and ends a lockout that guesses have brought about.
    """
    verifications.redeem(
        verification_id,
        code,
        purposes=(Purpose.RESET_PASSWORD,),
        at=at,
        then=lambda asked: _reset(asked, password, at),
    )


def _reset(asked: Verification, password: str, at: datetime) -> None:
    user = (
        User.objects.select_for_update(of=("self",), no_key=True)
        .filter(verifications=asked, role=Role.DRIVER, is_active=True)
        .first()
    )
    # An address that the person has given up may be somebody else's by now.
    if user is None or asked.contact not in contacts_of(user):
        raise NotFound
    check_password(password, user)
    _set(user, password, at=at, action="driver.reset_password")
    proved = "phone_verified_at" if asked.channel == Channel.SMS else "email_verified_at"
    if getattr(user, proved) is None:
        User.objects.filter(pk=user.pk).update(**{proved: at})
    for contact in contacts_of(user):
        forget_failures(username=username_of(contact))


def _set(user: User, password: str, *, at: datetime, action: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    sign_ins.revoke_all(user, at=at)
    audit.record(user, action, user)
    messages.notify(user, MessageKind.PASSWORD_CHANGED, at=at)


def contacts_of(user: User) -> list[Contact]:
    """Everything that the user may sign in with."""
    found = []
    if user.email:
        found.append(Contact(Channel.EMAIL, user.email))
    if user.phone:
        found.append(Contact(Channel.SMS, user.phone))
    return found
