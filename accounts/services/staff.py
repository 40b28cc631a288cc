"""Members of staff and their second factor: an authenticator app and backup codes."""

import secrets
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from django_otp import devices_for_user
from django_otp.models import Device

from accounts.domain.states import Role
from accounts.models import Authenticator, BackupCode, BackupCodes, Operator, User
from accounts.models.second_factor import DIGITS, backup_code_digest
from csms.common import audit
from csms.common.audit import Actor, SystemActor
from csms.common.errors import Conflict, FieldError, InvalidInput

BACKUP_CODE_COUNT = 10
BACKUP_CODE_BYTES = 5
TOTP_DEVICE = "authenticator"
BACKUP_DEVICE = "backup codes"
_LONGEST_CODE = 16


def create_staff(
    email: str,
    password: str,
    role: str,
    operators: Iterable[Operator],
    *,
    actor: Actor | None = None,
) -> User:
    """A new member of staff; STAFF needs an operator. `Conflict` if the address is used."""
    scope = list(operators)
    address = email.strip().lower()
    if role not in (Role.STAFF, Role.SUPERADMIN):
        raise _invalid("role", _("The role is STAFF or SUPERADMIN."))
    if role == Role.STAFF and not scope:
        raise _invalid("operators", _("STAFF needs at least one operator."))
    try:
        validate_email(address)
    except ValidationError as error:
        raise _invalid("email", " ".join(error.messages)) from error
    if User.objects.filter(email__iexact=address).exists():
        text = _("Another user has this e-mail address.")
        raise Conflict(text, code="email_taken", errors=[FieldError("email", "taken", text)])
    try:
        validate_password(password, User(email=address))
    except ValidationError as error:
        raise _invalid("password", " ".join(error.messages)) from error
    with transaction.atomic():
        user = User.objects.create_user(address, password, role=role)
        user.operators.set(scope)
        audit.record(
            actor or SystemActor("command line"),
            "staff.create",
            user,
            changes={"email": address, "role": role, "operators": [o.code for o in scope]},
        )
    return user


def ensure_totp(user: User) -> str:
    """The otpauth:// address of the user's authenticator; made if there is none."""
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
        device = Authenticator.objects.filter(user=user, confirmed=True).order_by("pk").first()
        if device is None:
            device = Authenticator.objects.create(user=user, name=TOTP_DEVICE, confirmed=True)
    return str(device.provisioning_uri)


def renew_totp(user: User, *, actor: Actor) -> str:
    """A new authenticator in place of the old one, which stops working."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        audit.record(actor, "staff.renew_second_factor", user)
        return ensure_totp(user)


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
