"""Members of staff and their second factor (TOTP, backup codes), on django-otp's devices."""

from collections.abc import Iterable

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from django_otp import match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.domain.states import Role
from accounts.models import Operator, User
from csms.common import audit
from csms.common.audit import Actor, SystemActor
from csms.common.errors import Conflict, FieldError, InvalidInput

BACKUP_CODE_COUNT = 10
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
        device = TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk").first()
        if device is None:
            device = TOTPDevice.objects.create(user=user, name=TOTP_DEVICE, confirmed=True)
    return str(device.config_url)


def renew_totp(user: User, *, actor: Actor) -> str:
    """A new authenticator in place of the old one, which stops working."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        audit.record(actor, "staff.renew_second_factor", user)
        return ensure_totp(user)


def create_backup_codes(user: User, *, actor: Actor | None = None) -> list[str]:
    """Ten codes that work once each; those made before stop working."""
    codes = [StaticToken.random_token() for _number in range(BACKUP_CODE_COUNT)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name=BACKUP_DEVICE, confirmed=True)
        StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
        audit.record(actor or user, "staff.create_backup_codes", user)
    return codes


def verify_code(user: User, code: str) -> bool:
    """Whether `code` is the authenticator's code now or an unused backup code; used up by this.

    django-otp refuses a code that was used and slows down guessing, longer after each failure.
    """
    compact = "".join(code.split()).lower()
    if not compact or len(compact) > _LONGEST_CODE or not (compact.isascii() and compact.isalnum()):
        return False
    return user.is_active and match_token(user, compact) is not None


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(field, "invalid", detail)])
