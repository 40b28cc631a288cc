"""The console's own record of who is signed in, behind the browser's session."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django_otp import login as verify_device
from django_otp.middleware import is_verified
from django_otp.models import Device

from accounts.domain.access import LoginChannel, LoginOutcome, SessionEnd, SignInMethod
from accounts.models import ConsoleSession, User
from accounts.selectors.console_sessions import open_session
from accounts.services import console_sessions, login_attempts
from csms.common import clock
from csms.common.api.addresses import client_address

SESSION_KEY = "console_session"
_BACKEND = "accounts.backends.EmailBackend"


class ConsoleSessionMiddleware:
    """Signs out whoever's console session has ended, on the very next request.

    Only under /admin/: nothing else knows browser sessions.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/admin/") and request.user.is_authenticated:
            found = current(request)
            if found is not None:
                console_sessions.note_use(found, clock.now())
            elif SESSION_KEY in request.session:
                logout(request)
        return self.get_response(request)


def current(request: HttpRequest) -> ConsoleSession | None:
    """The open console session of this request; looked up once."""
    known: ConsoleSession | None
    if hasattr(request, "console_session"):
        known = request.console_session
    else:
        known = find(request.session.get(SESSION_KEY), request.user.pk)
        request.console_session = known  # type: ignore[attr-defined]
    return known


def find(session_id: Any, user_id: int | None) -> ConsoleSession | None:
    """The same from what a browser's session holds."""
    try:
        wanted = UUID(str(session_id))
    except ValueError:
        return None
    return open_session(wanted, user_id=user_id or 0, at=clock.now())


def sign_in(request: HttpRequest, user: User, device: Device, method: SignInMethod) -> None:
    """Sign in somebody who has shown both factors; `Forbidden` if access was withdrawn."""
    present = current(request)
    opened = _start(request, user, method)
    login(request, user, backend=_BACKEND)
    # What django-otp's middleware gives to the user of a request, which this one was not yet.
    signed_in: Any = request.user
    signed_in.is_verified = partial(is_verified, signed_in)
    verify_device(request, device)
    _attach(request, opened, in_place_of=present)


def adopt(
    request: HttpRequest, user: User, method: SignInMethod, *, in_place_of: ConsoleSession | None
) -> None:
    """Open the console session of somebody whom Django has just signed in; `Forbidden` likewise.

    `in_place_of` is the one that this browser had before, whoever's it was.
    """
    _attach(request, _start(request, user, method), in_place_of=in_place_of)


def sign_out(request: HttpRequest) -> None:
    """End the console session before Django forgets whose it was."""
    user = request.user
    if isinstance(user, User) and (present := current(request)) is not None:
        console_sessions.end(present, SessionEnd.SIGNED_OUT, actor=user, at=clock.now())


def _start(request: HttpRequest, user: User, method: SignInMethod) -> ConsoleSession:
    return console_sessions.start(
        user,
        method,
        address=client_address(request),
        user_agent=user_agent_of(request),
        at=clock.now(),
    )


def _attach(
    request: HttpRequest, opened: ConsoleSession, *, in_place_of: ConsoleSession | None
) -> None:
    if in_place_of is not None:
        actor = in_place_of.user
        console_sessions.end(in_place_of, SessionEnd.SIGNED_OUT, actor=actor, at=clock.now())
    request.session[SESSION_KEY] = str(opened.pk)
    request.console_session = opened  # type: ignore[attr-defined]


def note_attempt(
    request: HttpRequest,
    channel: LoginChannel,
    outcome: LoginOutcome,
    username: str,
    user: User | None = None,
) -> None:
    login_attempts.record(
        channel,
        outcome,
        username=username,
        address=client_address(request),
        user_agent=user_agent_of(request),
        user=user,
        at=clock.now(),
    )


def user_agent_of(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))
