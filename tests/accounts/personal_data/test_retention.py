"""The nightly clean-up: everything goes when its time is over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as configured

from accounts import tasks
from accounts.models import (
    ConsentRecord,
    ConsoleSession,
    DataExport,
    LinkAttempt,
    LoginAttempt,
    RetentionRun,
    SignIn,
)
from accounts.services import closing, retention, sign_ins
from csms.common import audit, personal_data
from csms.common.models import AuditEntry
from notifications.models import PushDevice
from notifications.services import devices
from payments.models import PaymentMethod
from tests.accounts.personal_data.support import DAY, NOW, make_reservation
from tests.support.factories import (
    make_console_session,
    make_driver,
    make_id_token,
    make_payment_method,
    make_session,
    make_staff,
)
from transactions.models import Reservation, Session, SessionEvent

pytestmark = pytest.mark.django_db


def aged(kind: str, at: datetime) -> tuple[Any, Any]:
    """A row of `kind` that ended at `at`: what finds it again."""
    return AGED[kind](at)


def _aged_sign_in(at: datetime) -> Any:
    row = SignIn.objects.create(
        user=make_driver(), password_mark="x", created_at=at - DAY, expires_at=at
    )
    return SignIn.objects.filter(pk=row.pk)


def test_signing_in_leaves_old_sign_ins_to_the_nightly_clean_up(settings: Any) -> None:
    settings.SIGN_IN_RETENTION_DAYS = 365
    driver = make_driver()
    SignIn.objects.create(
        user=driver, password_mark="x", created_at=NOW - 200 * DAY, expires_at=NOW - 199 * DAY
    )
    sign_ins.sign_in(driver, address="203.0.113.7", expires_at=NOW + DAY, at=NOW)
    retention.apply_rule("sign_ins", NOW)
    assert SignIn.objects.count() == 2
    settings.SIGN_IN_RETENTION_DAYS = 90
    retention.apply_rule("sign_ins", NOW)
    assert SignIn.objects.count() == 1


def _aged_failure(at: datetime) -> Any:
    row = AccessAttempt.objects.create(
        username=f"x{at}", ip_address="203.0.113.7", failures_since_start=1
    )
    AccessAttempt.objects.filter(pk=row.pk).update(attempt_time=at)
    return AccessAttempt.objects.filter(pk=row.pk)


def _aged_login_attempt(at: datetime) -> Any:
    row = LoginAttempt.objects.create(channel="CONSOLE", outcome="LOCKED_OUT", at=at)
    return LoginAttempt.objects.filter(pk=row.pk)


def _aged_console_session(at: datetime) -> Any:
    row = make_console_session(make_staff(), at=at)
    return ConsoleSession.objects.filter(pk=row.pk)


def _aged_link_attempt(at: datetime) -> Any:
    row = LinkAttempt.objects.create(user=make_driver(), address="203.0.113.7", at=at)
    return LinkAttempt.objects.filter(pk=row.pk)


def _aged_export(at: datetime) -> Any:
    row = DataExport.objects.create(user=make_driver(), state="EXPIRED", requested_at=at)
    return DataExport.objects.filter(pk=row.pk)


def _aged_account(at: datetime) -> Any:
    driver = make_driver()
    ConsentRecord.objects.create(
        user=driver, purpose="TERMS", decision="GIVEN", text_version="1", channel="APP", at=at
    )
    closing.close_account(driver, at=at)
    return ConsentRecord.objects.filter(user=driver)


def _aged_entry(at: datetime) -> Any:
    entry = audit.record(audit.SystemActor("test"), "test", make_driver())
    AuditEntry.objects.filter(pk=entry.pk).update(at=at)
    return AuditEntry.objects.filter(pk=entry.pk)


def _aged_run(at: datetime) -> Any:
    row = RetentionRun.objects.create(kind="x", days=1, limit=at, started_at=at)
    return RetentionRun.objects.filter(pk=row.pk)


def _aged_session(at: datetime) -> Any:
    row = make_session(make_driver(), ended_at=at, id_token_value="CARD")
    SessionEvent.objects.create(session=row, at=at, kind="STARTED", detail={"id_tag": "CARD"})
    return Session.objects.filter(pk=row.pk, driver__isnull=False)


def _aged_reservation(at: datetime) -> Any:
    return Reservation.objects.filter(pk=make_reservation(make_driver(), ended_at=at).pk)


def _aged_device(at: datetime) -> Any:
    row = devices.register(make_driver(), platform="IOS", token=f"{at}", name="", app_version="")
    PushDevice.objects.filter(pk=row.pk).update(last_registered_at=at)
    return PushDevice.objects.filter(pk=row.pk)


def _aged_card(at: datetime) -> Any:
    return PaymentMethod.objects.filter(pk=make_payment_method(make_driver(), removed_at=at).pk)


AGED = {
    "sign_ins": _aged_sign_in,
    "failed_sign_ins": _aged_failure,
    "login_attempts": _aged_login_attempt,
    "console_sessions": _aged_console_session,
    "card_link_attempts": _aged_link_attempt,
    "data_exports": _aged_export,
    "closed_accounts": _aged_account,
    "audit_entries": _aged_entry,
    "retention_runs": _aged_run,
    "charging_sessions": _aged_session,
    "reservations": _aged_reservation,
    "push_devices": _aged_device,
    "payment_methods": _aged_card,
}


def test_every_kind_has_a_test_and_a_documented_setting() -> None:
    rules = personal_data.retention_rules()
    assert set(AGED) == set(rules)
    page = (configured.BASE_DIR / "docs" / "personal-data.md").read_text()
    example = (configured.BASE_DIR / ".env.example").read_text()
    for rule in rules.values():
        days = getattr(configured, rule.setting)
        assert f"# {rule.setting}={days}\n" in example
        assert f"`{rule.setting}`" in page
        assert f"| {rule.kind} |" in page
        assert rule.ground


@pytest.mark.parametrize("kind", list(AGED))
def test_a_kind_goes_when_its_time_is_over_and_not_a_moment_before(kind: str) -> None:
    rule = personal_data.retention_rules()[kind]
    limit = NOW - timedelta(days=getattr(configured, rule.setting))
    old = AGED[kind](limit - timedelta(seconds=1))
    young = AGED[kind](limit + timedelta(seconds=1))
    run = retention.apply_rule(kind, NOW)
    assert not old.exists()
    assert young.exists()
    assert (run.is_complete, run.error, run.limit) == (True, "", limit)
    assert run.removed >= 1
    again = retention.apply_rule(kind, NOW)
    assert (again.removed, again.is_complete) == (0, True)


def test_an_old_session_keeps_its_books_without_the_person() -> None:
    session = make_session(make_driver(), id_token=make_id_token("CARD1"), id_token_value="CARD1")
    SessionEvent.objects.create(session=session, at=NOW, kind="STARTED", detail={"id_tag": "CARD1"})
    retention.apply_rule("charging_sessions", NOW + timedelta(days=2558))
    after = Session.objects.get()
    assert (after.driver_id, after.id_token_id, after.id_token_value) == (None, None, "")
    assert (after.energy_wh, str(after.total_gross)) == (10_000, "75.00")
    assert "CARD1" not in str(list(SessionEvent.objects.values()))


def test_batches_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    long_ago = NOW - timedelta(days=400)
    for number in range(8):
        _aged_link_attempt(long_ago - timedelta(hours=number))
    assert retention.apply_rule("card_link_attempts", NOW).removed == 8


def test_a_run_that_ends_early_is_not_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_SECONDS", 0.0)
    run = retention.apply_rule("card_link_attempts", NOW)
    assert (run.is_complete, run.finished_at) == (False, NOW)


def test_an_error_is_written_down_and_keeps_nothing_else_from_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_limit: datetime, _batch: int) -> int:
        raise RuntimeError("secret text")

    rules = personal_data.retention_rules()
    broken = personal_data.RetentionRule("sign_ins", "SIGN_IN_RETENTION_DAYS", "x", fail)
    monkeypatch.setattr(retention, "retention_rules", lambda: {**rules, "sign_ins": broken})
    with pytest.raises(RuntimeError):
        retention.apply_rule("sign_ins", NOW)
    run = RetentionRun.objects.get()
    assert (run.error, run.is_complete) == ("RuntimeError", False)


def test_the_nightly_job_runs_every_rule() -> None:
    tasks.apply_retention()
    done = set(RetentionRun.objects.filter(is_complete=True).values_list("kind", flat=True))
    assert done == set(personal_data.retention_rules())
