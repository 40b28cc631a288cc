"""What stays after the account is closed, and how long anything is kept."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts.domain.states import DataExportState
from accounts.models import (
    AccountDeletion,
    ConsentRecord,
    ConsoleSession,
    DataExport,
    LinkAttempt,
    LoginAttempt,
    RetentionRun,
    SignIn,
)
from accounts.services import messages
from accounts.services.personal_data.sign_ins import AXES_MODELS
from csms.common.models import AuditEntry
from csms.common.personal_data import Kept, RetentionRule, delete_batch


def _day(at: datetime, days: int) -> date:
    return (at + timedelta(days=days)).date()


def _kept_consents(user_id: int, at: datetime) -> Kept:
    return Kept(
        "consents",
        ConsentRecord.objects.filter(user_id=user_id).count(),
        "PDPA s.19, s.33 para. 2; Civil and Commercial Code s.193/30",
        "หลักฐานว่าท่านให้หรือถอนความยินยอมเมื่อใด เพื่อใช้สิทธิเรียกร้องตามกฎหมาย โดยไม่มีที่อยู่ไอพี",
        "Proof of what you agreed to and when, for legal claims; without network addresses.",
        _day(at, settings.CONSENT_RETENTION_DAYS),
    )


def _kept_trail(user_id: int, at: datetime) -> Kept:
    return Kept(
        "actions",
        AuditEntry.objects.filter(actor_id=user_id).count(),
        "PDPA s.37 (1), s.33 para. 2; Computer Crime Act s.26",
        "บันทึกการใช้งานเพื่อความปลอดภัย ระบุด้วยหมายเลข ไม่มีชื่อหรืออีเมล",
        "The security log of what was done, under a number, without name or e-mail.",
        _day(at, settings.AUDIT_RETENTION_DAYS),
    )


def _kept_messages(user_id: int, at: datetime) -> Kept:
    return Kept(
        "account_messages",
        None,
        "PDPA s.37 (1)",
        "ข้อความแจ้งเตือนความปลอดภัยที่ส่งถึงท่าน เก็บแบบเข้ารหัสและลบเองภายใน 30 วัน",
        "Notices that were sent to you, encrypted; they go by themselves within 30 days.",
        (at + messages.KEPT_FOR).date(),
    )


KEPT = (_kept_consents, _kept_trail, _kept_messages)


def _old(rows: QuerySet[Any], field: str) -> Any:
    def apply(limit: datetime, batch: int) -> int:
        return delete_batch(rows.filter(**{f"{field}__lt": limit}), batch)

    return apply


def _old_failures(limit: datetime, batch: int) -> int:
    return sum(
        delete_batch(model.objects.filter(attempt_time__lt=limit), batch) for model in AXES_MODELS
    )


def _old_deletions(limit: datetime, batch: int) -> int:
    """What proves a closed account's history goes after the time in which anybody may sue."""
    consents = ConsentRecord.objects.filter(user__anonymised_at__lt=limit)
    reports = AccountDeletion.objects.filter(at__lt=limit)
    return delete_batch(consents, batch) + delete_batch(reports, batch)


_FINISHED_EXPORTS = DataExport.objects.filter(
    state__in=[DataExportState.FAILED.value, DataExportState.EXPIRED.value]
)
RETENTION = (
    RetentionRule(
        "sign_ins",
        "SIGN_IN_RETENTION_DAYS",
        "Computer Crime Act s.26",
        _old(SignIn.objects.all(), "expires_at"),
    ),
    RetentionRule(
        "failed_sign_ins",
        "SIGN_IN_RETENTION_DAYS",
        "Computer Crime Act s.26",
        _old_failures,
    ),
    RetentionRule(
        "login_attempts",
        "LOGIN_ATTEMPT_RETENTION_DAYS",
        "Computer Crime Act s.26",
        _old(LoginAttempt.objects.all(), "at"),
    ),
    RetentionRule(
        "console_sessions",
        "LOGIN_ATTEMPT_RETENTION_DAYS",
        "Computer Crime Act s.26",
        _old(ConsoleSession.objects.all(), "last_seen_at"),
    ),
    RetentionRule(
        "card_link_attempts",
        "LINK_ATTEMPT_RETENTION_DAYS",
        "PDPA s.37 (1)",
        _old(LinkAttempt.objects.all(), "at"),
    ),
    RetentionRule(
        "data_exports",
        "DATA_EXPORT_RETENTION_DAYS",
        "PDPA s.39",
        _old(_FINISHED_EXPORTS, "requested_at"),
    ),
    RetentionRule(
        "closed_accounts",
        "CONSENT_RETENTION_DAYS",
        "Civil and Commercial Code s.193/30",
        _old_deletions,
    ),
    RetentionRule(
        "audit_entries",
        "AUDIT_RETENTION_DAYS",
        "PDPA s.37 (1)",
        _old(AuditEntry.objects.all(), "at"),
    ),
    RetentionRule(
        "retention_runs",
        "AUDIT_RETENTION_DAYS",
        "PDPA s.37 (1)",
        _old(RetentionRun.objects.all(), "started_at"),
    ),
)
