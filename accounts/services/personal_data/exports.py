"""What a person gets a copy of."""

from collections.abc import Iterable

from axes.models import AccessAttempt

from accounts.models import (
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
from accounts.services.personal_data.sign_ins import login_attempts_of, usernames_of
from csms.common.models import AuditEntry
from csms.common.personal_data import Export, Row, masked_tokens, rows_of


def _failed_sign_ins(user_id: int) -> Iterable[Row]:
    names = usernames_of(User.objects.get(pk=user_id))
    rows = AccessAttempt.objects.filter(username__in=names).order_by("pk")
    found: Iterable[Row] = rows.values(
        "attempt_time", "ip_address", "user_agent", "failures_since_start"
    )
    return found


def _login_attempts(user_id: int) -> Iterable[Row]:
    rows = login_attempts_of(User.objects.get(pk=user_id)).order_by("pk")
    found: Iterable[Row] = rows.values("at", "channel", "outcome", "remote_address", "user_agent")
    return found


EXPORTS = (
    Export(
        "profile",
        "บัญชีของท่าน",
        "Your account",
        ("accounts.User",),
        rows_of(
            User,
            "pk",
            "id",
            "email",
            "phone",
            "display_name",
            "language",
            "role",
            "date_joined",
            "last_login",
        ),
    ),
    Export(
        "vehicles",
        "รถของท่าน",
        "Your vehicles",
        ("accounts.Vehicle",),
        rows_of(
            Vehicle,
            "driver",
            "id",
            "plate",
            "province",
            "make",
            "model",
            "connector_type",
            "battery_kwh",
            "is_default",
            "created_at",
        ),
    ),
    Export(
        "id_tokens",
        "บัตรและโทเคนที่ใช้ชาร์จ",
        "Cards and tokens that you charge with",
        ("accounts.IdToken",),
        masked_tokens(
            rows_of(
                IdToken,
                "user",
                "type",
                "status",
                "expires_at",
                "created_at",
                masked_token="token",  # noqa: S106
                operator_name="operator__name",
            )
        ),
    ),
    Export(
        "consents",
        "ความยินยอมที่ท่านให้หรือถอน",
        "Consents that you gave or withdrew",
        ("accounts.ConsentRecord",),
        rows_of(
            ConsentRecord,
            "user",
            "purpose",
            "decision",
            "text_version",
            "channel",
            "remote_address",
            "at",
        ),
    ),
    Export(
        "sign_ins",
        "การเข้าสู่ระบบ",
        "Sign-ins",
        ("accounts.SignIn",),
        rows_of(
            SignIn,
            "user",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
            "end_reason",
            "remote_address",
            "device_name",
            "user_agent",
        ),
    ),
    Export(
        "external_identities",
        "บัญชีอื่นที่ท่านใช้เข้าสู่ระบบ",
        "Accounts elsewhere that you sign in with",
        ("accounts.ExternalIdentity",),
        rows_of(ExternalIdentity, "user", "provider", "subject", "created_at", "last_used_at"),
    ),
    Export(
        "verification_codes",
        "รหัสยืนยันที่ท่านขอ",
        "Codes that you asked for",
        ("accounts.Verification",),
        rows_of(Verification, "user", "purpose", "channel", "network", "requested_at", "closed_at"),
    ),
    Export(
        "failed_sign_ins",
        "การเข้าสู่ระบบที่ไม่สำเร็จ",
        "Failed sign-ins",
        ("axes.AccessAttempt",),
        _failed_sign_ins,
    ),
    Export(
        "login_attempts",
        "การพยายามเข้าสู่ระบบ",
        "Tries to sign in",
        ("accounts.LoginAttempt",),
        _login_attempts,
    ),
    Export(
        "card_link_attempts",
        "การพยายามเชื่อมบัตร",
        "Tries to link a card",
        ("accounts.LinkAttempt",),
        rows_of(LinkAttempt, "user", "at", "address", "has_succeeded"),
    ),
    Export(
        "data_exports",
        "คำขอสำเนาข้อมูล",
        "Requests for copies like this one",
        ("accounts.DataExport",),
        rows_of(DataExport, "user", "requested_at", "state", "ready_at", "expires_at"),
    ),
    Export(
        "actions",
        "สิ่งที่ท่านทำในระบบ",
        "What you did here",
        ("common.AuditEntry",),
        rows_of(AuditEntry, "actor", "at", "action", "object_type", "object_id", "reason"),
    ),
)
NOT_EXPORTED = {
    "accounts.Authenticator": "A secret of staff; drivers have none.",
    "accounts.ConsoleSession": "Where members of staff are signed in; drivers have none.",
    "accounts.StaffInvitation": "How members of staff are set up; drivers have none.",
    "django_otp_webauthn.WebAuthnCredential": "Passkeys of staff; drivers have none.",
    "django_otp_webauthn.WebAuthnUserHandle": "Passkeys of staff; drivers have none.",
    "accounts.BackupCodes": "Digests of secrets of staff; drivers have none.",
    "accounts.User_operators": "Whom a member of staff works for.",
    "accounts.AccountDeletion": "Exists only once the account is closed; given out in the answer.",
    "common.LiveTicket": "Opens a live feed once within a minute; only its hash is kept.",
    "admin.LogEntry": "Never written: the console records in the audit trail instead.",
}
