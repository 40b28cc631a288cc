"""Messages about accounts: sent after the commit, swept if missed, and each one once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from structlog.testing import capture_logs

from accounts.domain.states import MessageKind
from accounts.models import AccountMessage, Verification
from accounts.schedule import BEAT_SCHEDULE
from accounts.services import messages, verifications
from accounts.tasks import (
    purge_account_leftovers,
    send_account_message,
    send_due_account_messages,
)
from csms.celery import app
from csms.common import clock
from csms.common.sms import FileSms, MemorySms
from csms.subscriptions import reactions
from tests.api.client import ApiClient
from tests.support.account_messages import code_sent_to, deliver, empty_outboxes
from tests.support.factories import PASSWORD, make_driver
from tests.support.moving_clock import MovingClock
from tests.support.threads import in_threads

pytestmark = pytest.mark.django_db
EMAIL, PHONE = "somchai@example.com", "+66812345678"
REGISTER, VERIFY = "/api/auth/register", "/api/auth/verify"


@pytest.fixture(autouse=True)
def _outboxes() -> Iterator[None]:
    with empty_outboxes():
        yield


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


def register(network: str = "10.0.0.1", **body: str) -> Any:
    full = {"password": PASSWORD, **(body or {"phone": PHONE})}
    return ApiClient().call("post", REGISTER, full, REMOTE_ADDR=network)


def asked(network: str = "10.0.0.1", **body: str) -> str:
    response = register(network, **body)
    assert response.status_code == 202, response.content
    return str(json.loads(response.content)["verification_id"])


def enter(verification_id: str, code: str) -> int:
    body = {"verification_id": verification_id, "code": code}
    status: int = ApiClient().call("post", VERIFY, body).status_code
    return status


def wrong(code: str, number: int = 1) -> str:
    return f"{(int(code) + number) % 1_000_000:06}"


class TestSending:
    def test_a_nudge_sends_at_once_and_the_sweeper_what_was_missed(self, at: MovingClock) -> None:
        asked()
        message = AccountMessage.objects.get()
        assert not MemorySms.outbox
        send_account_message(str(message.pk))
        assert len(MemorySms.outbox) == 1
        send_due_account_messages()
        send_account_message(str(message.pk))
        assert len(MemorySms.outbox) == 1
        asked("10.0.0.2", email=EMAIL)
        send_due_account_messages()
        assert len(mail.outbox) == 1

    @pytest.mark.django_db(transaction=True)
    def test_the_commit_gives_the_nudge(self) -> None:
        asked()
        assert len(MemorySms.outbox) == 1

    def test_a_server_that_is_away_is_asked_again_with_another_code(
        self, at: MovingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = asked()
        texts: list[str] = []

        def away(_self: MemorySms, _number: str, text: str) -> None:
            texts.append(text)
            raise TimeoutError

        with monkeypatch.context() as patched:
            patched.setattr(MemorySms, "send", away)
            deliver()
        assert AccountMessage.objects.get().sent_at is None
        at.forward(seconds=20)
        code = code_sent_to(PHONE)
        assert enter(request, code) == 200
        assert len(texts) == 1

    def test_a_late_code_is_not_sent(self, at: MovingClock) -> None:
        asked()
        at.forward(minutes=5)
        deliver()
        assert not MemorySms.outbox

    def test_a_worker_that_died_while_sending_is_replaced(self, at: MovingClock) -> None:
        asked()
        AccountMessage.objects.update(claimed_at=clock.now(), attempts=1)
        deliver()
        assert not MemorySms.outbox
        at.forward(seconds=61)
        deliver()
        assert len(MemorySms.outbox) == 1

    def test_a_server_that_is_away_for_an_hour_is_asked_ever_less_often(
        self, at: MovingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        driver = make_driver(EMAIL)
        messages.notify(driver, MessageKind.PASSWORD_CHANGED, at=clock.now())
        began, tried = clock.now(), []

        def away(*_arguments: Any) -> None:
            tried.append(round((clock.now() - began).total_seconds()))
            raise TimeoutError

        with monkeypatch.context() as patched:
            patched.setattr("django.core.mail.EmailMessage.send", away)
            for _sweep in range(3 * 60):
                deliver()
                at.forward(seconds=20)
        assert tried == [0, 20, 80, 200, 440, 920, 1880]
        at.forward(minutes=2)
        deliver()
        assert len(mail.outbox) == 1

    def test_a_code_is_not_tried_for_longer_than_it_counts(
        self, at: MovingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked()
        tried = []

        def away(_self: MemorySms, number: str, _text: str) -> None:
            tried.append(number)
            raise OSError

        monkeypatch.setattr(MemorySms, "send", away)
        for _sweep in range(60):
            deliver()
            at.forward(seconds=20)
        assert len(tried) == 4

    def test_a_kind_of_a_newer_version_is_left_to_it(self, at: MovingClock) -> None:
        messages.notify(make_driver(EMAIL), MessageKind.PASSWORD_CHANGED, at=clock.now())
        AccountMessage.objects.update(kind="UNHEARD_OF")
        asked()
        with capture_logs() as logs:
            deliver()
        assert [(one["event"], one["kind"]) for one in logs if one["log_level"] == "error"] == [
            ("account_message_unknown", "UNHEARD_OF")
        ]
        left = AccountMessage.objects.get(kind="UNHEARD_OF")
        assert (left.sent_at, mail.outbox) == (None, [])
        assert len(MemorySms.outbox) == 1

    def test_one_that_cannot_be_sent_holds_up_no_other(
        self, at: MovingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked()
        asked("10.0.0.2", email=EMAIL)

        def broken(_self: MemorySms, _number: str, _text: str) -> None:
            raise RuntimeError("a fault of our own")

        monkeypatch.setattr(MemorySms, "send", broken)
        deliver()
        assert len(mail.outbox) == 1

    @pytest.mark.django_db(transaction=True)
    def test_ten_workers_send_it_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("accounts.services.messages.publish", lambda _event: None)
        asked()
        message = AccountMessage.objects.get()
        in_threads(10, lambda _number: messages.deliver(message.pk, clock.now()))
        assert len(MemorySms.outbox) == 1

    def test_files_are_for_their_owner_only(self, tmp_path: Any, settings: Any) -> None:
        settings.SMS_FILE_PATH = str(tmp_path / "sms")
        FileSms().send(PHONE, "ข้อความ")
        (path,) = (tmp_path / "sms").iterdir()
        assert path.stat().st_mode & 0o077 == 0
        assert json.loads(path.read_text())["text"] == "ข้อความ"

    def test_the_console_shows_it(self, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
        settings.SMS_BACKEND = "csms.common.sms.ConsoleSms"
        asked()
        deliver()
        assert PHONE in capsys.readouterr().out

    def test_what_is_scheduled_is_there(self) -> None:
        assert {entry["task"] for entry in BEAT_SCHEDULE.values()} <= set(app.tasks)
        assert "AccountMessageQueued" in {event.__name__ for event in reactions()}

    def test_old_rows_go(self, at: MovingClock) -> None:
        asked()
        deliver()
        at.forward(days=2, seconds=1)
        asked("10.0.0.2")
        purge_account_leftovers()
        assert Verification.objects.count() == AccountMessage.objects.count() == 1

    def test_they_stay_as_long_as_they_count(self) -> None:
        longest = timedelta(days=1)
        assert longest < verifications.KEPT_FOR
