"""Which console sessions are open, and whose."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import ConsoleSession, User

LAST_SEEN_RESOLUTION = timedelta(minutes=1)


def idle_limit() -> timedelta:
    """How long a session may be left alone: the cookie's age, and what `last_seen_at` lags."""
    return timedelta(seconds=settings.SESSION_COOKIE_AGE) + LAST_SEEN_RESOLUTION


def open_sessions(user: User, at: datetime) -> QuerySet[ConsoleSession]:
    """The person's sessions that are open at `at`, newest first."""
    return ConsoleSession.objects.filter(
        user=user, ended_at__isnull=True, last_seen_at__gt=at - idle_limit()
    )


def open_session(session_id: UUID, *, user_id: int, at: datetime) -> ConsoleSession | None:
    """The session if it is that person's and still open."""
    return ConsoleSession.objects.filter(
        pk=session_id,
        user_id=user_id,
        ended_at__isnull=True,
        last_seen_at__gt=at - idle_limit(),
    ).first()
