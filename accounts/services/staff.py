"""Members of staff and their second factor: an authenticator app and backup codes."""

import secrets
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django_otp import devices_for_user
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

from accounts.domain.access import SessionEnd
from accounts.domain.states import Role
from accounts.models import (
    Authenticator,
    BackupCode,
    BackupCodes,
    Operator,
    StaffInvitation,
    User,
)
from accounts.models.second_factor import DIGITS, backup_code_digest
from accounts.selectors.staff import is_last_superadmin, may_enter
from accounts.services import console_sessions, sign_ins
from csms.common import audit, clock
from csms.common.audit import Actor, SystemActor
from csms.common.errors import Conflict, FieldError, InvalidInput

BACKUP_CODE_COUNT = 10
BACKUP_CODE_BYTES = 5
TOTP_DEVICE = "authenticator"
BACKUP_DEVICE = "backup codes"
_LONGEST_CODE = 16


def create_staff(
    email: str,
    password: str | None,
    role: str,
    operators: Iterable[Operator],
    *,
    display_name: str = "",
    language: str = "th",
    actor: Actor | None = None,
) -> User:
    """A new member of staff; STAFF needs an operator. `Conflict` if the address is used.

    Without `password` they cannot sign in before they have set one with a set-up link.
    """
    scope = list(operators)
    address = email.strip().lower()
    _check_role(role, scope)
    try:
        validate_email(address)
    except ValidationError as error:
        raise _invalid("email", " ".join(error.messages)) from error
    if User.objects.filter(email=address).exists():
        raise _address_taken()
    if password is not None:
        check_password_rules(password, User(email=address))
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                address, password, role=role, display_name=display_name, language=language
            )
            user.operators.set(scope)
            audit.record(
                actor or SystemActor("command line"),
                "staff.create",
                user,
                changes={"email": address, "role": role, "operators": [o.code for o in scope]},
            )
    except IntegrityError as error:
        # Somebody else was given the address since we looked.
        raise _address_taken() from error
    return user


def check_password_rules(password: str, user: User) -> None:
    """`InvalidInput` on `password` unless it keeps the rules for this person."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise _invalid("password", " ".join(error.messages)) from error


@transaction.atomic
def change_staff(
    user: User,
    *,
    role: str,
    operators: Iterable[Operator],
    is_active: bool,
    display_name: str,
    language: str,
    actor: Actor,
) -> User:
    """Change who somebody is and what they may; whoever loses access is signed out at once.

    `Conflict` for an account that is closed, which nobody stands behind any more, and for the last
    SUPERADMIN.
    """
    locked = _locked_with_superadmins(user)
    if locked.anonymised_at is not None:
        raise Conflict(_("The account is closed already."), code="account_closed")
    scope = list(operators)
    if role != Role.DRIVER:
        _check_role(role, scope)
        if not locked.email:
            raise _invalid("role", _("Staff need an e-mail address."))
    keeps_access = is_active and role == Role.SUPERADMIN
    if not keeps_access and is_last_superadmin(locked):
        raise Conflict(
            _("Nobody else is an active SUPERADMIN: this person must stay one."),
            code="last_superadmin",
        )
    changes = _differences(
        locked,
        role=role,
        operators=sorted(operator.code for operator in scope),
        is_active=is_active,
        display_name=display_name,
        language=language,
    )
    # Whoever was a driver signs in anew, with the second factor.
    changes_sides = locked.role != role and Role.DRIVER in (locked.role, role)
    locked.role, locked.is_active = role, is_active
    locked.display_name, locked.language = display_name, language
    locked.save(update_fields=["role", "is_active", "display_name", "language"])
    locked.operators.set(scope)
    if changes:
        audit.record(actor, "staff.change", locked, changes=changes)
    loses_access = not locked.is_active or (locked.is_staff and not may_enter(locked))
    if changes_sides or loses_access:
        close_access(locked, actor=actor)
    return locked


def close_access(user: User, *, actor: Actor) -> None:
    """End the person's console sessions, API sign-ins and set-up links at once."""
    at = clock.now()
    console_sessions.end_all(user, SessionEnd.DEACTIVATED, actor=actor, at=at)
    sign_ins.revoke_all(user, actor=actor, at=at)
    StaffInvitation.objects.filter(
        user=user, used_at__isnull=True, withdrawn_at__isnull=True
    ).update(withdrawn_at=at)


def _locked_with_superadmins(user: User) -> User:
    """The person's row and those of all superadmins, locked in one order.

    Two superadmins who take each other's role at once must not both succeed.
    """
    superadmins = Q(role=Role.SUPERADMIN, is_active=True)
    rows = User.objects.filter(superadmins | Q(pk=user.pk)).order_by("pk")
    locked = {row.pk: row for row in rows.select_for_update(of=("self",), no_key=True)}
    return locked[user.pk]


def _differences(user: User, *, operators: list[str], **wanted: Any) -> dict[str, Any]:
    present: dict[str, Any] = {name: getattr(user, name) for name in wanted}
    present["operators"] = sorted(user.operators.values_list("code", flat=True))
    wanted["operators"] = operators
    return {
        name: {"from": present[name], "to": value}
        for name, value in wanted.items()
        if present[name] != value
    }


def _check_role(role: str, operators: list[Operator]) -> None:
    if role not in (Role.STAFF, Role.SUPERADMIN):
        raise _invalid("role", _("The role is STAFF or SUPERADMIN."))
    if role == Role.STAFF and not operators:
        raise _invalid("operators", _("STAFF needs at least one operator."))


def _address_taken() -> Conflict:
    text = _("Another user has this e-mail address.")
    return Conflict(text, code="email_taken", errors=[FieldError("email", "taken", text)])


def ensure_totp(user: User) -> str:
    """The otpauth:// address of the user's authenticator; made if there is none."""
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
        device = Authenticator.objects.filter(user=user, confirmed=True).order_by("pk").first()
        if device is None:
            device = Authenticator.objects.create(user=user, name=TOTP_DEVICE, confirmed=True)
    return str(device.provisioning_uri)


def renew_totp(user: User, *, actor: Actor) -> str:
    """A new authenticator's address, in place of all that signed the person in before.

    Backup codes and passkeys go as well, and every session ends: they may be on the lost phone.
    """
    at = clock.now()
    with transaction.atomic():
        forget_second_factor(user)
        console_sessions.end_all(user, SessionEnd.SECOND_FACTOR_RENEWED, actor=actor, at=at)
        sign_ins.revoke_all(user, actor=actor, at=at)
        audit.record(actor, "staff.renew_second_factor", user)
        return ensure_totp(user)


def forget_second_factor(user: User) -> None:
    """Delete authenticators, backup codes and passkeys. The caller gives new ones, and audits."""
    for device in (Authenticator, BackupCodes, WebAuthnCredential):
        device.objects.filter(user=user).delete()


def create_backup_codes(user: User, *, actor: Actor | None = None) -> list[str]:
    """Ten codes that work once each; those made before stop working."""
    codes = [_new_backup_code() for _number in range(BACKUP_CODE_COUNT)]
    with transaction.atomic():
        BackupCodes.objects.filter(user=user).delete()
        sheet = BackupCodes.objects.create(user=user, name=BACKUP_DEVICE, confirmed=True)
        BackupCode.objects.bulk_create(
            BackupCode(sheet=sheet, digest=backup_code_digest(user.pk, code)) for code in codes
        )
        audit.record(actor or user, "staff.create_backup_codes", user)
    return codes


def _new_backup_code() -> str:
    return b32encode(secrets.token_bytes(BACKUP_CODE_BYTES)).decode().lower()


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """`device` accepted the code; None if none did. `is_throttled`: it was not even asked."""

    device: Device | None
    has_devices: bool
    is_throttled: bool = False


def check_code(user: User, code: str) -> CodeCheck:
    """Whether `code` is the authenticator's code now or an unused backup code; used up by this.

    Only devices of the kind that the code looks like are asked: a try at each of them would count
    as a failure at all the others, and a wrong TOTP would lock the backup codes.
    """
    compact = "".join(code.split()).lower()
    devices = list(devices_for_user(user)) if user.is_active else []
    kind = _kind_of(compact)
    is_throttled = False
    for device in devices:
        if kind is None or not isinstance(device, kind):
            continue
        with transaction.atomic():
            locked = Device.from_persistent_id(device.persistent_id, for_verify=True)
            is_allowed = locked is not None and locked.verify_is_allowed()[0]
            is_throttled = is_throttled or not is_allowed
            if is_allowed and locked.verify_token(compact):
                return CodeCheck(locked, has_devices=True)
    return CodeCheck(None, bool(devices), is_throttled)


def _kind_of(code: str) -> type[Device] | None:
    if not code or len(code) > _LONGEST_CODE or not (code.isascii() and code.isalnum()):
        return None
    return Authenticator if len(code) == DIGITS and code.isdecimal() else BackupCodes


def verify_code(user: User, code: str) -> bool:
    return check_code(user, code).device is not None


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(field, "invalid", detail)])
