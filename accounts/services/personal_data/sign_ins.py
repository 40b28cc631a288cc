"""Sign-ins, which are kept by what somebody was called and not only by person."""

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db.models import Q, QuerySet

from accounts.backends import username_of
from accounts.models import LoginAttempt, User
from accounts.services.passwords import contacts_of

AXES_MODELS = (AccessAttempt, AccessFailureLog, AccessLog)


def usernames_of(user: User) -> list[str]:
    """Under what the user's sign-ins are counted."""
    return [username_of(contact) for contact in contacts_of(user)]


def login_attempts_of(user: User) -> QuerySet[Any]:
    """Also those by address alone: a driver who tries the console is nobody there."""
    own = Q(user=user)
    if user.email:
        own |= Q(username=user.email)
    return LoginAttempt.objects.filter(own)
