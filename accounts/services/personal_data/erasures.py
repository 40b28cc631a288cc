"""What goes when a person closes the account, and what is made nobody's."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.domain.consents import Channel, Decision
from accounts.domain.states import IdTokenStatus
from accounts.models import (
    AccountMessage,
    ConsentRecord,
    DataExport,
    ExternalIdentity,
    IdToken,
    LinkAttempt,
    SignIn,
    User,
    Vehicle,
    Verification,
)
from accounts.models.verifications import contact_digest
from accounts.selectors.consents import newest
from accounts.services.passwords import contacts_of
from accounts.services.personal_data.sign_ins import (
    AXES_MODELS,
    login_attempts_of,
    usernames_of,
)
from csms.common.idempotency import caller_key
from csms.common.models import AuditEntry, IdempotencyRecord
from csms.common.personal_data import Erasure

# What an audit entry about a person's own row may say of the person.
_PERSONAL_CHANGES = frozenset({"email", "phone", "display_name", "name", "address"})


def _delete(model: Any, owner: str) -> Any:
    def erase(user: User, at: datetime) -> int:
        rows = model._default_manager.filter(**{owner: user})
        count = int(rows.count())
        rows.delete()
        return count

    return erase


def _unlink_cards(user: User, at: datetime) -> int:
    """Nobody charges with them on nobody's account: blocked, until the operator frees them."""
    return IdToken.objects.filter(user=user).update(user=None, status=IdTokenStatus.BLOCKED.value)


def _close_consents(user: User, at: datetime) -> int:
    """What was agreed to ends here; the addresses go, the decisions stay as proof."""
    records = ConsentRecord.objects.filter(user=user)
    open_ones = newest(records).filter(decision=Decision.GIVEN.value)
    ended = [
        ConsentRecord(
            user=user,
            purpose=record.purpose,
            decision=Decision.WITHDRAWN.value,
            text_version=record.text_version,
            channel=Channel.DELETION.value,
            at=at,
        )
        for record in list(open_ones)
    ]
    addresses = records.exclude(remote_address="").update(remote_address="")
    ConsentRecord.objects.bulk_create(ended)
    return addresses


def _forget_failures(user: User, at: datetime) -> int:
    names = usernames_of(user)
    return sum(model.objects.filter(username__in=names).delete()[0] for model in AXES_MODELS)


def _forget_login_attempts(user: User, at: datetime) -> int:
    return login_attempts_of(user).delete()[0]


def _forget_codes(user: User, at: datetime) -> int:
    """The rows stay two days for the limits, which count them by a keyed hash of the address."""
    digests = [contact_digest(contact) for contact in contacts_of(user)]
    asked = Verification.objects.filter(Q(user=user) | Q(address_digest__in=digests))
    keys = list(asked.values_list("pk", flat=True))
    AccountMessage.objects.filter(verification__in=keys).delete()
    return Verification.objects.filter(pk__in=keys).update(
        user=None, address="", network="", display_name="", password_hash="", closed_at=at
    )


def _forget_answers(user: User, at: datetime) -> int:
    """Answers kept for repeated requests hold what was shown."""
    return IdempotencyRecord.objects.filter(caller=caller_key(user)).delete()[0]


def _anonymise_trail(user: User, at: datetime) -> int:
    """The trail keeps what was done, by a number instead of an address."""
    mine = AuditEntry.objects.filter(actor_id=user.pk)
    changed = mine.exclude(actor_label=f"user:{user.pk}").update(actor_label=f"user:{user.pk}")
    about = AuditEntry.objects.filter(object_type=User._meta.label, object_id=str(user.pk))
    for entry in about.exclude(changes={}):
        kept = {name: v for name, v in entry.changes.items() if name not in _PERSONAL_CHANGES}
        AuditEntry.objects.filter(pk=entry.pk).update(changes=kept)
    return changed


def _anonymise_user(user: User, at: datetime) -> int:
    user.email = None
    user.phone = ""
    user.phone_digest = None
    user.email_verified_at = None
    user.phone_verified_at = None
    user.is_external = False
    user.display_name = ""
    user.is_active = False
    user.last_login = None
    user.anonymised_at = at
    user.set_unusable_password()
    user.save()
    return 1


ERASURES = (
    Erasure("vehicles", _delete(Vehicle, "driver")),
    Erasure("id_tokens", _unlink_cards),
    Erasure("card_link_attempts", _delete(LinkAttempt, "user")),
    Erasure("consent_addresses", _close_consents),
    Erasure("sign_ins", _delete(SignIn, "user")),
    Erasure("login_attempts", _forget_login_attempts),
    Erasure("external_identities", _delete(ExternalIdentity, "user")),
    Erasure("verification_codes", _forget_codes),
    Erasure("failed_sign_ins", _forget_failures),
    Erasure("repeated_requests", _forget_answers),
    Erasure("data_exports", _delete(DataExport, "user")),
    Erasure("audit_labels", _anonymise_trail),
    # The last: those above look people up by what this one takes away.
    Erasure("profile", _anonymise_user),
)
