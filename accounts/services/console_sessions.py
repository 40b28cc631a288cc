"""Console sessions: opened after both factors, three at once, ended by a row."""

from datetime import datetime, timedelta

from django.contrib.auth.models import update_last_login
from django.db import transaction

from accounts.domain.access import SessionEnd, SignInMethod
from accounts.models import ConsoleSession, User
from accounts.selectors.console_sessions import LAST_SEEN_RESOLUTION, open_sessions
from accounts.selectors.staff import may_enter
from csms.common import audit
from csms.common.audit import Actor
from csms.common.errors import Forbidden

MOST_AT_ONCE = 3
# How long one code counts for changes to one's own security.
CONFIRMED_FOR = timedelta(minutes=10)


@transaction.atomic
def start(
    user: User, method: SignInMethod, *, address: str, user_agent: str, at: datetime
) -> ConsoleSession:
    """Open a session; the oldest of more than three ends. `Forbidden` if access was withdrawn."""
    # The lock orders this with other sign-ins of the person and with a deactivation.
    locked = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    if not may_enter(locked):
        raise Forbidden
    present = list(open_sessions(locked, at).order_by("-started_at", "-pk"))
    for surplus in present[MOST_AT_ONCE - 1 :]:
        _end(surplus, SessionEnd.TOO_MANY, actor=locked, at=at)
    opened = ConsoleSession.objects.create(
        user=locked,
        method=method.value,
        remote_address=address[:64],
        user_agent=user_agent[:300],
        started_at=at,
        last_seen_at=at,
    )
    update_last_login(User, user)
    audit.record(locked, "console.sign_in", opened, changes={"method": method.value})
    return opened


def note_use(session: ConsoleSession, at: datetime) -> None:
    """Keep it open for another half hour; written once a minute at most."""
    if session.last_seen_at > at - LAST_SEEN_RESOLUTION:
        return
    ConsoleSession.objects.filter(pk=session.pk, last_seen_at__lt=at).update(last_seen_at=at)
    session.last_seen_at = at


def confirm(session: ConsoleSession, at: datetime) -> None:
    """Note that the person has given a code just now."""
    ConsoleSession.objects.filter(pk=session.pk).update(confirmed_at=at)
    session.confirmed_at = at


def is_confirmed(session: ConsoleSession, at: datetime) -> bool:
    """Whether a code was given in this session within the last ten minutes."""
    return session.confirmed_at is not None and session.confirmed_at > at - CONFIRMED_FOR


@transaction.atomic
def end(session: ConsoleSession, reason: SessionEnd, *, actor: Actor, at: datetime) -> bool:
    """End it from now on; False, and no change, if it had ended already."""
    return _end(session, reason, actor=actor, at=at)


@transaction.atomic
def end_all(
    user: User,
    reason: SessionEnd,
    *,
    actor: Actor,
    at: datetime,
    but: ConsoleSession | None = None,
) -> int:
    """End the person's sessions, except `but`; how many there were."""
    sessions = ConsoleSession.objects.filter(user=user, ended_at__isnull=True)
    if but is not None:
        sessions = sessions.exclude(pk=but.pk)
    return sum(_end(session, reason, actor=actor, at=at) for session in sessions)


def _end(session: ConsoleSession, reason: SessionEnd, *, actor: Actor, at: datetime) -> bool:
    ended = ConsoleSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(
        ended_at=at, end_reason=reason.value
    )
    if ended:
        audit.record(actor, "console.session_end", session, changes={"reason": reason.value})
    return bool(ended)
