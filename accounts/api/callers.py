from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.models import ApiKey, User


def actor_of(request: Request) -> User | ApiKey:
    """Who writes: the person or the key. An operation that writes is never open to strangers."""
    caller: object = request.user
    if isinstance(caller, User | ApiKey):
        return caller
    raise NotAuthenticated


def person_of(request: Request) -> User:
    """The person who calls, where keys may not."""
    caller: object = request.user
    if isinstance(caller, User):
        return caller
    raise NotAuthenticated
