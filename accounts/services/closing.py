"""Closing an account: the person goes, what the law wants kept stays, and a report says which.

PDPA s.33: erase or anonymise on request, save what the law or a legal claim needs.
"""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.states import Purpose
from accounts.locks import lock_any_user, lock_tokens
from accounts.models import AccountDeletion, DataExport, User, Verification
from accounts.services import export_files, verifications
from accounts.services.passwords import contacts_of
from accounts.services.sign_ins import revoke_all
from csms.common import audit
from csms.common.errors import Conflict, FieldError, Forbidden, NotFound
from csms.common.personal_data import Obstacle, registered


def ask_for_code(user: User, *, address: str, at: datetime) -> Verification:
    """Send a code to where the person is reached; `Conflict` where that is nowhere.

    `address`: the caller's. Raises as `verifications.ask`.
    """
    if user.contact is None:
        text = _("There is no confirmed address or number to send a code to.")
        raise Conflict(text, code="not_reachable")
    request = verifications.Request(
        purpose=Purpose.CLOSE_ACCOUNT, contact=user.contact, user=user, language=user.language
    )
    return verifications.ask(request, address=address, at=at)


def close_by_code(user: User, verification_id: UUID, code: str, *, at: datetime) -> AccountDeletion:
    """`close_account` for whoever has the code; it is used up only if the account is closed."""

    def close(asked: Verification) -> AccountDeletion:
        present = lock_any_user(user.pk)
        if asked.user_id != present.pk or asked.contact not in contacts_of(present):
            raise NotFound
        return close_account(user, at=at)

    return verifications.redeem(
        verification_id, code, purposes=(Purpose.CLOSE_ACCOUNT,), at=at, then=close
    )


class AccountInUse(Conflict):
    """`errors` tell what stands in the way."""

    code = "account_in_use"
    title = "The account cannot be closed yet"


@transaction.atomic
def close_account(user: User, *, at: datetime) -> AccountDeletion:
    """Anonymise a driver for good; `AccountInUse` while sessions run or money is open.

    The caller has made sure that it is the person who asks. The locks wait for a session that is
    beginning for the person, and let none begin meanwhile.
    """
    locked = lock_any_user(user.pk)
    if locked.is_staff:
        raise Forbidden(_("Accounts of staff are closed in the console."))
    if locked.anonymised_at is not None:
        raise Conflict(_("The account is closed already."), code="account_closed")
    lock_tokens(locked)
    _refuse_while_used(locked, at)
    revoke_all(locked, at=at)
    files = [export.file_name for export in DataExport.objects.filter(user=locked)]
    erased = {
        erasure.kind: erasure.erase(locked, at) for app in registered() for erasure in app.erasures
    }
    kept = [describe(locked.pk, at) for app in registered() for describe in app.kept]
    report = AccountDeletion.objects.create(
        user=locked,
        at=at,
        erased=erased,
        kept=[
            {**asdict(one), "until": one.until.isoformat() if one.until else None}
            for one in kept
            if one.count != 0
        ],
    )
    audit.record(locked, "account.delete", locked, changes={"erased": erased})
    # A file that outlives its row is found by `expire_due`.
    for name in files:
        transaction.on_commit(partial(export_files.remove, name))
    return report


def _refuse_while_used(user: User, at: datetime) -> None:
    obstacles: list[Obstacle] = [
        obstacle
        for app in registered()
        for find in app.obstacles
        for obstacle in find(user.pk, at)
        if obstacle.count
    ]
    if obstacles:
        raise AccountInUse(
            errors=[
                FieldError("", one.code, _(one.detail) % {"count": one.count}) for one in obstacles
            ]
        )
