"""Finding a person by where they are reached."""

from accounts.domain.contacts import Channel, Contact
from accounts.models import User
from accounts.models.verifications import contact_digest


def user_by_contact(contact: Contact) -> User | None:
    """Whoever has this address or number: driver or staff, verified or not."""
    if contact.channel is Channel.SMS:
        return User.objects.filter(phone_digest=contact_digest(contact)).first()
    return User.objects.filter(email=contact.value.lower()).first()


def is_verified(user: User, channel: Channel) -> bool:
    at = user.phone_verified_at if channel is Channel.SMS else user.email_verified_at
    return at is not None
