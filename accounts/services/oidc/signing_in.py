"""From a provider's word to a driver who is signed in.

The subject decides who somebody is. An e-mail address that the provider has verified may lead to
an account that exists, if we have verified it as well: somebody who prepared an account with a
foreign address and waits for its owner has verified nothing, and so has no account at all.
"""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import MessageKind, Role
from accounts.locks import lock_address, lock_any_user
from accounts.models import ExternalIdentity, SignIn, User
from accounts.models.verifications import contact_digest
from accounts.selectors.people import user_by_contact
from accounts.services import messages, verifications
from accounts.services.oidc.assertions import Assertion, AssertionRefused
from accounts.services.oidc.spending import spend
from accounts.services.refresh_families import Device, open_family
from csms.common import audit
from csms.common.errors import Conflict


def sign_in(
    assertion: Assertion, device: Device, *, provider_name: str, language: str, at: datetime
) -> SignIn:
    """Sign in whom the assertion names; a driver who comes for the first time gets an account.

    Raises `AssertionRefused` for a token that was used and for closed accounts, `Conflict` if the
    address belongs to an account that it must not lead to.
    """
    try:
        return _sign_in(assertion, device, provider_name, language, at)
    except IntegrityError:
        # Two first visits at once: the other one has made the account.
        return _sign_in(assertion, device, provider_name, language, at)


@transaction.atomic
def _sign_in(
    assertion: Assertion, device: Device, provider_name: str, language: str, at: datetime
) -> SignIn:
    spend(assertion)
    user = _linked(assertion, at)
    if user is None:
        user = _by_address(assertion, provider_name, at) or _create(assertion, language, at)
        ExternalIdentity.objects.create(
            provider=assertion.provider,
            subject=assertion.subject,
            user=user,
            created_at=at,
            last_used_at=at,
        )
    # Staff need their second factor, which no provider of drivers stands for.
    if not user.is_active or user.role != Role.DRIVER:
        raise AssertionRefused("closed or staff")
    return open_family(user, device, at=at)


def _linked(assertion: Assertion, at: datetime) -> User | None:
    """Whom the account elsewhere belongs to, locked; None if it is nobody's.

    Whoever unlinks it holds the person and ends what is open: what is opened afterwards stays.
    """
    links = ExternalIdentity.objects.filter(provider=assertion.provider, subject=assertion.subject)
    link = links.first()
    if link is None:
        return None
    user = lock_any_user(link.user_id)
    # The same row still: it may have gone while we waited.
    return user if links.filter(pk=link.pk).update(last_used_at=at) else None


def _by_address(assertion: Assertion, provider_name: str, at: datetime) -> User | None:
    """The account that the verified address leads to, told of it; None if there is none."""
    if not assertion.email:
        return None
    user = user_by_contact(Contact(Channel.EMAIL, assertion.email))
    if user is None:
        return None
    # This very one may have been linked since we looked: then it cannot be added, and we look anew.
    others = ExternalIdentity.objects.filter(user=user, provider=assertion.provider)
    has_another = others.exclude(subject=assertion.subject).exists()
    if user.email_verified_at is None or user.role != Role.DRIVER or has_another:
        text = _("An account has this e-mail address already. Sign in with its password.")
        raise Conflict(text, code="account_exists")
    audit.record(user, "driver.link_identity", user, changes={"provider": assertion.provider})
    messages.notify(user, MessageKind.SIGN_IN_LINKED, at=at, detail=provider_name)
    return user


def _create(assertion: Assertion, language: str, at: datetime) -> User:
    digest = contact_digest(Contact(Channel.EMAIL, assertion.email)) if assertion.email else ""
    if digest:
        lock_address(digest)
    user = User(
        email=assertion.email or None,
        email_verified_at=at if assertion.email else None,
        is_external=True,
        display_name=assertion.display_name,
        language=language,
    )
    user.set_unusable_password()
    user.save(force_insert=True)
    audit.record(user, "driver.register", user, changes={"provider": assertion.provider})
    if digest:
        verifications.close_registrations(digest, at=at)
    return user
