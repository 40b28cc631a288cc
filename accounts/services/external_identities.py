"""Giving up an account elsewhere that one signs in with."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.states import MessageKind
from accounts.locks import lock_user
from accounts.models import SignIn, User
from accounts.selectors.external_identities import find_own, gets_in_without, identities_of
from accounts.services import messages, sign_ins
from csms.common import audit
from csms.common.errors import Conflict


@transaction.atomic
def unlink(user: User, identity_id: int, *, keep: SignIn | None, at: datetime) -> None:
    """Remove one of the person's identities and end every sign-in but `keep`.

    Which of them it opened nobody knows, and whoever holds that account elsewhere must be out.
    Raises `NotFound` for what is not the person's, `Conflict` if nothing else would let them in.
    """
    locked = lock_user(user.pk)
    identity = find_own(locked, identity_id)
    if not gets_in_without(locked, identity):
        raise Conflict(
            _(
                "You sign in with this account alone. Confirm an e-mail address or a phone number "
                "first."
            ),
            code="last_way_to_sign_in",
        )
    identity.delete()
    if locked.is_external and not identities_of(locked).exists():
        locked.is_external = False
        locked.save(update_fields=["is_external"])
    sign_ins.revoke_all(locked, at=at, keep=keep)
    audit.record(locked, "driver.unlink_identity", locked, changes={"provider": identity.provider})
    messages.notify(
        locked, MessageKind.SIGN_IN_UNLINKED, at=at, detail=provider_name(identity.provider)
    )


def provider_name(key: str) -> str:
    """What people call the provider; its key once it is switched off."""
    return str(settings.OIDC_PROVIDERS.get(key, {}).get("name", key))
