"""The accounts elsewhere that a person signs in with, and what else lets them in."""

from django.conf import settings
from django.db.models import QuerySet

from accounts.domain.contacts import Channel
from accounts.models import ExternalIdentity, User
from csms.common import sms
from csms.common.errors import NotFound


def identities_of(user: User) -> QuerySet[ExternalIdentity]:
    """Those of the person, by provider."""
    return ExternalIdentity.objects.filter(user=user)


def find_own(user: User, identity_id: int) -> ExternalIdentity:
    """One of the person's; `NotFound` else."""
    found = identities_of(user).filter(pk=identity_id).first()
    if found is None:
        raise NotFound
    return found


def gets_in_without(user: User, identity: ExternalIdentity) -> bool:
    """Whether the person can sign in without this one: by another, or where they are reached.

    A confirmed address or number is a way in without a password as well: a code that is sent there
    sets one. A provider that is switched off is none.
    """
    others = identities_of(user).exclude(pk=identity.pk)
    if others.filter(provider__in=list(settings.OIDC_PROVIDERS)).exists():
        return True
    contact = user.contact
    if contact is None:
        return False
    is_written_to = contact.channel is Channel.EMAIL or sms.is_available()
    return user.has_usable_password() or is_written_to
