"""What a driver types in: an address or number, and a password, counted when it is wrong."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from axes.helpers import get_cool_off
from axes.utils import reset as forget_failures
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts.backends import username_of
from accounts.domain.access import LoginChannel, LoginOutcome
from accounts.domain.contacts import Channel, Contact, email_address, thai_mobile
from accounts.models import SignIn, User
from accounts.selectors.people import is_verified, user_by_contact
from accounts.services import login_attempts
from accounts.services.refresh_families import Device
from csms.common import clock
from csms.common.api.addresses import client_address
from csms.common.errors import FieldError, Forbidden, InvalidInput

# Where no password is asked for, nothing else shows that the owner still holds the device.
RECENT = timedelta(minutes=10)


def contact_of(given: Mapping[str, Any]) -> Contact:
    """The one of `email` and `phone` that is given; `InvalidInput` for both, none, or no number."""
    email, phone = given.get("email"), given.get("phone")
    if (email is None) == (phone is None):
        text = _("Give an e-mail address or a phone number.")
        raise InvalidInput(text, errors=[FieldError("email", "one_of_two", text)])
    if email is not None:
        return Contact(Channel.EMAIL, email_address(email))
    number = thai_mobile(str(phone))
    if number is None:
        text = _("This is no Thai mobile number; write it like 0812345678.")
        raise InvalidInput(text, errors=[FieldError("phone", "invalid", text)])
    return Contact(Channel.SMS, number)


def device_of(request: Request, given: Mapping[str, Any]) -> Device:
    return Device(
        address=client_address(request._request),
        name=_printable(str(given.get("device_name", ""))),
        user_agent=_printable(request.headers.get("User-Agent", "")),
    )


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()


def verified_driver(request: HttpRequest, contact: Contact, password: str) -> User:
    """The driver with this password. One answer for whatever is wrong, another once locked out.

    Who has the right password and has not confirmed the address is told so. Staff are nobody here:
    they need their second factor.
    """
    username = username_of(contact)
    found = authenticate(request, username=username, password=password)
    user = found if isinstance(found, User) else None
    outcome = _outcome(request, user, contact)
    if outcome is LoginOutcome.NOT_ALLOWED:
        # It counts as any other failure, or staff's passwords could be tried out here.
        user_login_failed.send(__name__, credentials={"username": username}, request=request)
    is_locked_out = getattr(request, "axes_locked_out", False)
    note_attempt(
        request,
        LoginChannel.APP,
        LoginOutcome.LOCKED_OUT if is_locked_out else outcome,
        user=user or user_by_contact(contact),
        username=contact.value if contact.channel is Channel.EMAIL else "",
    )
    refuse_if_locked_out(request)
    if outcome is LoginOutcome.NOT_VERIFIED:
        # The password was right: it does not count as a failure.
        forget_failures(username=username)
        raise _unverified()
    if user is None or outcome is not LoginOutcome.SUCCEEDED:
        raise AuthenticationFailed(
            _("The address or number or the password is wrong."), "credentials_not_valid"
        )
    forget_failures(username=username)
    return user


def _outcome(request: HttpRequest, user: User | None, contact: Contact) -> LoginOutcome:
    if user is None:
        is_waiting = getattr(request, "unverified", False)
        return LoginOutcome.NOT_VERIFIED if is_waiting else LoginOutcome.WRONG_CREDENTIALS
    if user.is_staff:
        return LoginOutcome.NOT_ALLOWED
    if not is_verified(user, contact.channel):
        return LoginOutcome.NOT_VERIFIED
    return LoginOutcome.SUCCEEDED


def note_attempt(
    request: HttpRequest,
    channel: LoginChannel,
    outcome: LoginOutcome,
    *,
    user: User | None = None,
    username: str = "",
) -> None:
    """Keep in the log of sign-ins what a driver has tried."""
    login_attempts.record(
        channel,
        outcome,
        username=username,
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        user=user,
        at=clock.now(),
    )


def refuse_if_locked_out(request: HttpRequest) -> None:
    """Ours to answer: axes' middleware would send a page."""
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]
        cool_off = get_cool_off(request)
        raise Throttled(wait=cool_off.total_seconds() if cool_off else None)


def _unverified() -> Forbidden:
    return Forbidden(
        _("Confirm your address first: register again with it to get a new code."),
        code="not_verified",
    )


def confirm_owner(
    request: Request, user: User, password: str | None, *, field: str, takes_code: bool = False
) -> None:
    """Make sure that it is still the owner who holds the device: by the password, `field`.

    Who has none must have signed in within the last ten minutes; with `takes_code` only who has no
    address either to ask for a code at. `InvalidInput`, or `Forbidden` for too old a sign-in.
    """
    if user.has_usable_password() or (takes_code and user.contact is not None):
        if password is None:
            text = _("Give your password, or ask for a code.")
            if not takes_code:
                text = _("Give your password.")
            raise InvalidInput(text, errors=[FieldError(field, "required", text)])
        confirm_password(request._request, user, password, field=field)
    else:
        confirm_recent_sign_in(request)


def confirm_recent_sign_in(request: Request) -> None:
    """Raise `Forbidden` unless the person has signed in within the last ten minutes."""
    if not isinstance(request.auth, SignIn) or clock.now() - request.auth.created_at > RECENT:
        raise Forbidden(_("Sign in again first."), code="sign_in_again")


def confirm_password(request: HttpRequest, user: User, password: str, *, field: str) -> None:
    """Ask a person who is signed in for the password again; failures count towards the lockout.

    The same lockout that guesses from elsewhere bring about: a stolen device gets no tries more.
    """
    contact = Contact(Channel.EMAIL, user.email) if user.email else Contact(Channel.SMS, user.phone)
    username = username_of(contact)
    found = authenticate(request, username=username, password=password)
    refuse_if_locked_out(request)
    if found is None or found.pk != user.pk:
        text = _("The password is wrong.")
        raise InvalidInput(
            text, code="password_not_valid", errors=[FieldError(field, "not_valid", text)]
        )
    forget_failures(username=username)
