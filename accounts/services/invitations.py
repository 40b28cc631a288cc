"""Set-up links: staff choose their own password and second factor; nobody else ever knows them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.domain.access import SessionEnd
from accounts.domain.contacts import Channel, Contact
from accounts.domain.states import MessageKind
from accounts.models import Authenticator, Operator, StaffInvitation, User
from accounts.selectors.invitations import open_invitation, token_digest
from accounts.selectors.staff import may_enter
from accounts.services import console_sessions, messages, sign_ins, staff
from accounts.services.set_up_links import new_token
from csms.common import audit, mail
from csms.common.audit import Actor
from csms.common.errors import Conflict, FieldError, InvalidInput, NotFound

VALID_FOR = timedelta(hours=24)


def invite_staff(
    email: str,
    role: str,
    operators: Iterable[Operator],
    *,
    display_name: str = "",
    language: str = "th",
    actor: Actor,
    at: datetime,
) -> tuple[User, StaffInvitation, str]:
    """A new member of staff with a set-up link, whose token is in the third place and only there.

    It is empty where the link goes out by mail. Raises `InvalidInput` and `Conflict` as
    `create_staff` does.
    """
    with transaction.atomic():
        user = staff.create_staff(
            email,
            None,
            role,
            operators,
            display_name=display_name,
            language=language,
            actor=actor,
        )
        invitation, token = _issue(user, at)
        audit.record(actor, "staff.invite", user, changes={"expires_at": _text(invitation)})
    return user, invitation, token


@transaction.atomic
def renew_access(user: User, *, actor: Actor, at: datetime) -> tuple[StaffInvitation, str]:
    """A new set-up link for somebody who lost phone or password.

    Password, authenticator, backup codes and passkeys stop working, and every session ends: who
    found the phone is out before the person is in again. The token is empty where the link goes
    out by mail. Raises `Conflict` without access.
    """
    locked = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
    if not may_enter(locked):
        raise Conflict(
            _("Only active staff with an active operator can be given a set-up link."),
            code="no_access",
        )
    locked.set_unusable_password()
    locked.save(update_fields=["password"])
    staff.forget_second_factor(locked)
    console_sessions.end_all(locked, SessionEnd.SECOND_FACTOR_RENEWED, actor=actor, at=at)
    sign_ins.revoke_all(locked, actor=actor, at=at)
    invitation, token = _issue(locked, at)
    audit.record(
        actor, "staff.renew_second_factor", locked, changes={"expires_at": _text(invitation)}
    )
    return invitation, token


def begin(invitation: StaffInvitation) -> Authenticator:
    """The authenticator that the page shows as a QR code; it counts only once it is confirmed."""
    with transaction.atomic():
        User.objects.select_for_update(of=("self",), no_key=True).get(pk=invitation.user_id)
        pending: Authenticator | None = Authenticator.objects.filter(
            user=invitation.user_id, confirmed=False
        ).first()
        return pending or Authenticator.objects.create(
            user=invitation.user, name=staff.TOTP_DEVICE, confirmed=False
        )


def accept(
    invitation: StaffInvitation, password: str, code: str, *, at: datetime
) -> tuple[User, list[str]]:
    """Set password and authenticator, and use the link up; the new backup codes.

    `InvalidInput` on `password` or `code`; `NotFound` if the link is worth nothing any more.
    """
    staff.check_password_rules(password, invitation.user)
    with transaction.atomic():
        user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=invitation.user_id)
        current = open_invitation(invitation.pk, at)
        pending = Authenticator.objects.filter(user=user, confirmed=False).first()
        if current is None or pending is None:
            raise NotFound(_("This set-up link was used already or is not valid any more."))
        is_right = pending.verify_token("".join(code.split()))
        codes = _complete(user, current, pending, password, at) if is_right else []
    # Outside: the wait that a wrong code costs must be kept.
    if not is_right:
        text = _("This code is not valid. Wait for the next one and try again.")
        raise InvalidInput(text, errors=[FieldError("code", "invalid", text)])
    return user, codes


def _complete(
    user: User, invitation: StaffInvitation, pending: Authenticator, password: str, at: datetime
) -> list[str]:
    user.set_password(password)
    user.save(update_fields=["password"])
    Authenticator.objects.filter(user=user).exclude(pk=pending.pk).delete()
    Authenticator.objects.filter(pk=pending.pk).update(confirmed=True)
    pending.confirmed = True
    invitation.used_at = at
    invitation.save(update_fields=["used_at"])
    audit.record(user, "staff.set_up", user)
    return staff.create_backup_codes(user)


def _issue(user: User, at: datetime) -> tuple[StaffInvitation, str]:
    StaffInvitation.objects.filter(
        user=user, used_at__isnull=True, withdrawn_at__isnull=True
    ).update(withdrawn_at=at)
    # What an older link has shown as a QR code is void with it.
    Authenticator.objects.filter(user=user, confirmed=False).delete()
    token = new_token()
    invitation = StaffInvitation.objects.create(
        user=user, token_hash=token_digest(token), created_at=at, expires_at=at + VALID_FOR
    )
    if not mail.is_available():
        return invitation, token
    # The mail gets a token of its own when it is sent: neither queue nor broker ever holds one.
    messages.queue(
        MessageKind.SET_UP_LINK,
        Contact(Channel.EMAIL, user.email or ""),
        language=user.language,
        at=at,
        invitation=invitation,
        send_before=invitation.expires_at,
        detail=f"{localtime(invitation.expires_at):%Y-%m-%d %H:%M}",
    )
    return invitation, ""


def _text(invitation: StaffInvitation) -> str:
    return invitation.expires_at.isoformat()
