"""The copy of a person's data: what is in it, and that it gets made and goes again."""

import csv
import io
import json
import os
from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail
from structlog.testing import capture_logs

from accounts.domain.states import DataExportState
from accounts.models import (
    DataExport,
    User,
)
from accounts.services import data_exports, export_files
from csms.common import personal_data
from csms.common.errors import TooManyRequests
from tests.accounts.personal_data.support import DAY, NOW, exported, make_everything, opened
from tests.support.factories import (
    PASSWORD,
    make_driver,
)

pytestmark = pytest.mark.django_db


def test_an_export_holds_a_row_of_everything(django_capture_on_commit_callbacks: Any) -> None:
    driver = make_driver("somchai@example.com", display_name="สมชาย ใจดี")
    card = make_everything(driver).id_token_value
    export = exported(driver, django_capture_on_commit_callbacks)
    assert (export.state, export.attempts) == (DataExportState.READY, 1)
    assert export.expires_at == NOW + 7 * DAY
    with opened(export) as archive:
        assert archive.testzip() is None
        kinds = {one.kind for one in personal_data.exports()}
        names = set(archive.namelist())
        assert names == {f"json/{k}.json" for k in kinds} | {f"csv/{k}.csv" for k in kinds} | {
            "README.txt"
        }
        for kind in kinds:
            rows = json.loads(archive.read(f"json/{kind}.json"))
            assert rows, f"{kind} is empty"
            table = archive.read(f"csv/{kind}.csv").decode("utf-8-sig")
            header, *lines = csv.reader(io.StringIO(table))
            assert (header, len(lines)) == (list(rows[0]), len(rows))
        profile = json.loads(archive.read("json/profile.json"))[0]
        assert (profile["email"], profile["display_name"]) == ("somchai@example.com", "สมชาย ใจดี")
        for kind in ("id_tokens", "charging_sessions"):
            assert json.loads(archive.read(f"json/{kind}.json"))[0]["masked_token"] == "…EE77"
        assert len(json.loads(archive.read("json/tax_invoice_profiles.json"))[0]["tax_id"]) == 13
        assert "'=cmd" in archive.read("csv/cost_lines.csv").decode()
        readme = archive.read("README.txt").decode()
        assert "ข้อมูลส่วนบุคคลของท่าน" in readme
        assert "Personal Data Protection Act" in readme
        assert "30/11/2569 12:00" in readme
        for secret in (driver.password, PASSWORD, card):
            assert secret not in "".join(archive.read(name).decode() for name in names)


def test_an_export_holds_nothing_of_anybody_else(django_capture_on_commit_callbacks: Any) -> None:
    other = make_driver("somebody.else@example.com", display_name="Nobody You Know")
    make_everything(other)
    export = exported(make_driver(), django_capture_on_commit_callbacks)
    with opened(export) as archive:
        content = "".join(archive.read(name).decode() for name in archive.namelist())
    for text in (
        "somebody.else",
        "Nobody You Know",
        "4711",
        "04AABBCCDDEE77",
        "สมชาย",
        "203.0.113",
    ):
        assert text not in content


def test_a_file_is_for_its_owner_on_disk_as_well(django_capture_on_commit_callbacks: Any) -> None:
    export = exported(make_driver(), django_capture_on_commit_callbacks)
    path = export_files.path_of(export.file_name)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path.stat().st_size == export.size_bytes
    assert not str(path).startswith(str(configured.STATIC_ROOT))


def test_the_person_is_told_by_mail_without_a_link(django_capture_on_commit_callbacks: Any) -> None:
    export = exported(
        make_driver("a@example.com", language="th"), django_capture_on_commit_callbacks
    )
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["a@example.com"], "ข้อมูลของท่านพร้อมแล้ว")
    assert str(export.pk) not in message.body
    assert export.mailed_at == NOW
    data_exports.build_due(NOW)
    assert len(mail.outbox) == 1


def test_who_has_no_address_is_not_written_to(django_capture_on_commit_callbacks: Any) -> None:
    driver = User.objects.create_user(None, PASSWORD, phone="+66812345678", phone_digest="d" * 64)
    export = exported(driver, django_capture_on_commit_callbacks)
    assert (export.state, mail.outbox) == (DataExportState.READY, [])


def test_a_mail_server_that_is_away_is_tried_again(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: Any) -> None:
        raise SMTPServerDisconnected

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", away)
        export = exported(make_driver(), django_capture_on_commit_callbacks)
    assert (export.state, export.mailed_at) == (DataExportState.READY, None)
    data_exports.build_due(NOW)
    export.refresh_from_db()
    assert (export.mailed_at, len(mail.outbox)) == (NOW, 1)


def test_one_export_at_a_time_and_three_a_day(django_capture_on_commit_callbacks: Any) -> None:
    driver = make_driver()
    first = data_exports.request(driver)
    assert data_exports.request(driver) == first
    for _number in range(2):
        DataExport.objects.update(state="FAILED")
        data_exports.request(driver)
    DataExport.objects.update(state="FAILED")
    with pytest.raises(TooManyRequests) as refusal:
        data_exports.request(driver)
    assert refusal.value.retry_after_seconds == 86400
    DataExport.objects.update(requested_at=NOW - DAY)
    data_exports.request(driver)


def test_a_lost_message_is_found_by_the_sweeper() -> None:
    export = data_exports.request(make_driver())
    data_exports.build_due(NOW + timedelta(seconds=59))
    export.refresh_from_db()
    assert export.state == DataExportState.REQUESTED
    data_exports.build_due(NOW + timedelta(seconds=60))
    export.refresh_from_db()
    assert export.state == DataExportState.READY


def test_a_killed_worker_is_replaced_and_given_up_in_the_end() -> None:
    export = data_exports.request(make_driver())
    for attempt in (1, 2, 3):
        DataExport.objects.update(state="INFLIGHT", claimed_at=NOW, attempts=attempt)
        data_exports.build_due(NOW + timedelta(minutes=14))
        export.refresh_from_db()
        assert (export.state, export.attempts) == (DataExportState.INFLIGHT, attempt)
    # The claim looks at the clock: let it be later for it as well.
    DataExport.objects.update(claimed_at=NOW - timedelta(minutes=15))
    data_exports.build_due(NOW)
    export.refresh_from_db()
    assert export.state == DataExportState.FAILED


def test_a_worker_that_lost_its_claim_settles_nothing() -> None:
    export = data_exports.request(make_driver())
    late = data_exports._claim(export.pk, NOW)
    assert late is not None
    assert data_exports._claim(export.pk, NOW) is None
    DataExport.objects.update(claimed_at=NOW - timedelta(minutes=15))
    data_exports.build(export.pk)
    written = export_files.write(late.file_name, late.user_id, personal_data.exports(), NOW)
    assert not data_exports._settle(late, written, NOW)
    export.refresh_from_db()
    assert (export.state, export.attempts) == (DataExportState.READY, 2)


def test_a_failure_is_tried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("accounts.services.export_files.write", full)
    export = data_exports.request(make_driver())
    for state in ("REQUESTED", "REQUESTED", "FAILED", "FAILED"):
        data_exports.build(export.pk)
        export.refresh_from_db()
        assert export.state == state
    assert export.attempts == 3


def test_a_half_written_file_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_user_id: int) -> Iterable[dict[str, Any]]:
        yield {"a": 1}
        raise ValueError("the database went away")

    bad = personal_data.Export("bad", "", "", (), broken)
    monkeypatch.setattr("accounts.services.data_exports.exports", lambda: [bad])
    export = data_exports.request(make_driver())
    data_exports.build(export.pk)
    assert export_files.everything() == []


def test_files_go_after_a_week_and_so_do_strays(django_capture_on_commit_callbacks: Any) -> None:
    export = exported(make_driver(), django_capture_on_commit_callbacks)
    stray = export_files.folder() / "stray-1.zip"
    building = export_files.folder() / ".building-x"
    building.mkdir()
    stray.touch()
    young = export_files.folder() / "young-1.zip"
    young.touch()
    for path in (stray, building, export_files.path_of(export.file_name)):
        os.utime(path, times=(NOW.timestamp(), NOW.timestamp()))
    week = NOW + 7 * DAY
    os.utime(young, times=(week.timestamp(), week.timestamp()))
    assert data_exports.expire_due(week - timedelta(seconds=1)) == 0
    assert {path.name for path in export_files.everything()} == {export.file_name, young.name}
    assert data_exports.expire_due(week) == 1
    export.refresh_from_db()
    assert export.state == DataExportState.EXPIRED
    assert export_files.everything() == [young]


def test_a_volume_that_is_away_for_a_while_costs_no_export(
    django_capture_on_commit_callbacks: Any,
) -> None:
    export = exported(make_driver(), django_capture_on_commit_callbacks)
    here, away = export_files.folder(), export_files.folder().with_name("away")
    here.rename(away)
    with capture_logs() as logs:
        assert data_exports.expire_due(NOW) == 0
    assert [one["event"] for one in logs] == ["data_export_folder_empty"]
    here.rmdir()
    away.rename(here)
    assert data_exports.expire_due(NOW + DAY) == 0
    export.refresh_from_db()
    assert export.state == DataExportState.READY
    assert export_files.path_of(export.file_name).exists()


def test_one_whose_file_was_lost_does_not_count_as_one_of_three() -> None:
    driver = make_driver()
    for _number in range(4):
        data_exports.request(driver)
        DataExport.objects.update(state="EXPIRED")
