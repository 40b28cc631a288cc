"""Set-up links of staff that go out by mail."""

import re
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.contrib.admin import site
from django.core import mail

from accounts.admin.users import UserAdmin
from accounts.domain.states import MessageKind, Role
from accounts.models import AccountMessage, StaffInvitation, User
from accounts.selectors.invitations import invitation_of
from accounts.services import invitations, messages
from accounts.services.set_up_links import replace_token
from csms.common import clock
from tests.support.account_messages import deliver, written_to
from tests.support.factories import make_operator, make_superadmin
from tests.support.mail import DELIVERING, EmailBackend

pytestmark = pytest.mark.django_db
EMAIL = "new@example.com"
LINK = re.compile(r"http://localhost:8000/admin/set-up/#([\w-]{43})\n")


@pytest.fixture(autouse=True)
def _mail_server(settings: Any) -> None:
    settings.EMAIL_BACKEND = DELIVERING


def invite(language: str = "en", *, email: str = EMAIL) -> tuple[User, StaffInvitation]:
    user, invitation, token = invitations.invite_staff(
        email,
        Role.STAFF,
        [make_operator()],
        language=language,
        actor=make_superadmin(),
        at=clock.now(),
    )
    assert token == ""
    return user, invitation


def token_in(text: str) -> str:
    found = LINK.search(text)
    assert found, text
    return found[1]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "The link works once"), ("th", "ลิงก์ใช้ได้ครั้งเดียว")]
)
def test_the_link_is_in_the_mail_alone(language: str, words: str) -> None:
    _user, invitation = invite(language)
    assert "#" not in str(list(AccountMessage.objects.values()))
    (text,) = written_to(EMAIL)
    assert words in text
    token = token_in(text)
    assert invitation_of(token, clock.now()) == invitation
    assert token not in str(list(AccountMessage.objects.values()))
    assert token not in str(list(StaffInvitation.objects.values()))
    deliver()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_the_commit_gives_the_nudge() -> None:
    invite()
    assert [one.to for one in mail.outbox] == [[EMAIL]]


def test_a_server_that_was_away_gets_another_link_and_that_one_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _user, invitation = invite()
    texts: list[str] = []

    def away(_self: EmailBackend, sent: list[Any]) -> int:
        texts.append(sent[0].body)
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", away)
        deliver()
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    (text,) = written_to(EMAIL)
    assert invitation_of(token_in(texts[0]), clock.now()) is None
    assert invitation_of(token_in(text), clock.now()) == invitation


def test_a_new_link_voids_the_one_that_was_not_sent_yet() -> None:
    user, withdrawn = invite()
    invitations.renew_access(user, actor=make_superadmin(), at=clock.now())
    (text,) = written_to(EMAIL)
    found = invitation_of(token_in(text), clock.now())
    assert found is not None
    assert found != withdrawn
    assert messages.deliver_due(clock.now()) == 0


def test_a_link_that_was_used_gets_no_other_token() -> None:
    _user, invitation = invite()
    now = clock.now()
    assert replace_token(invitation.pk, now + timedelta(hours=24)) is None
    StaffInvitation.objects.update(used_at=now)
    assert replace_token(invitation.pk, now) is None
    assert not written_to(EMAIL)


def test_the_message_waits_as_long_as_the_link_is_worth_anything() -> None:
    _user, invitation = invite()
    message = AccountMessage.objects.get(kind=MessageKind.SET_UP_LINK)
    assert message.send_before == invitation.expires_at


@pytest.mark.parametrize(
    ("code", "text", "for_good"),
    [
        (550, b"no such user here", True),
        (550, b"5.1.1 mailbox unavailable", True),
        (554, b"5.7.1 Relay access denied", False),
        (550, b"5.7.1 blocked by a list", False),
        (450, b"4.2.0 greylisted", False),
    ],
)
def test_an_address_that_does_not_exist_is_not_tried_again(
    code: int, text: bytes, for_good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, _invitation = invite()
    invite(email="other@example.com")
    tries: list[str] = []
    deliver_all = EmailBackend.send_messages

    def refuse_one(self: EmailBackend, sent: list[Any]) -> int:
        (address,) = sent[0].to
        tries.append(address)
        if address == EMAIL:
            raise SMTPRecipientsRefused({address: (code, text)})
        return deliver_all(self, sent)

    monkeypatch.setattr(EmailBackend, "send_messages", refuse_one)
    assert messages.deliver_due(clock.now()) == 2
    assert tries == [EMAIL, "other@example.com"]
    said = "knows no such address" if for_good else "not sent yet, tried 1 times"
    assert said in UserAdmin(User, site).set_up_link_state(user)
    messages.deliver_due(clock.now() + timedelta(hours=1))
    assert tries.count(EMAIL) == (1 if for_good else 2)
    assert AccountMessage.objects.filter(refused_at__isnull=False).count() == for_good
