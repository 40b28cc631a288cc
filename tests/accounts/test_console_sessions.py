from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from accounts.domain.access import LoginChannel, LoginOutcome, SessionEnd, SignInMethod
from accounts.domain.states import Role
from accounts.models import ConsoleSession, LoginAttempt, SignIn, StaffInvitation, User
from accounts.selectors.console_sessions import open_session, open_sessions
from accounts.services import (
    console_sessions,
    invitations,
    login_attempts,
    operators,
    sign_ins,
    staff,
)
from accounts.tasks import apply_retention_rule, purge_browser_sessions
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, Forbidden, InvalidInput
from csms.common.models import AuditEntry
from tests.support.factories import (
    make_console_session,
    make_driver,
    make_operator,
    make_staff,
    make_superadmin,
)
from tests.support.threads import in_threads

ACTOR = SystemActor("test")


def start(user: User, at: datetime | None = None) -> ConsoleSession:
    return console_sessions.start(
        user,
        SignInMethod.PASSWORD_AND_CODE,
        address="203.0.113.7",
        user_agent="x" * 1000,
        at=at or clock.now(),
    )


@pytest.mark.django_db
class TestSessions:
    def test_the_oldest_of_more_than_three_ends(self) -> None:
        user, now = make_superadmin(), clock.now()
        started = [start(user, now + timedelta(minutes=number)) for number in range(5)]
        at = now + timedelta(minutes=5)
        assert list(open_sessions(user, at)) == started[:1:-1]
        first = ConsoleSession.objects.get(pk=started[0].pk)
        assert first.end_reason == SessionEnd.TOO_MANY
        assert first.ended_at == now + timedelta(minutes=3)
        assert start(make_superadmin(), at), "others' sessions count for themselves"

    def test_one_that_was_left_alone_is_over_and_does_not_count(self) -> None:
        user, now = make_superadmin(), clock.now()
        idle = start(user, now)
        present = [start(user, now + timedelta(minutes=20)) for _number in range(2)]
        at = now + timedelta(minutes=31, seconds=1)
        assert open_session(idle.pk, user_id=user.pk, at=at) is None
        newest = start(user, at)
        assert set(open_sessions(user, at)) == {*present, newest}
        assert open_session(newest.pk, user_id=make_driver().pk, at=at) is None

    def test_use_keeps_it_open_and_is_written_once_a_minute(
        self, django_assert_num_queries: object
    ) -> None:
        user, now = make_superadmin(), clock.now()
        session = start(user, now)
        with django_assert_num_queries(0):  # type: ignore[operator]
            console_sessions.note_use(session, now + timedelta(seconds=59))
        with django_assert_num_queries(1):  # type: ignore[operator]
            console_sessions.note_use(session, now + timedelta(minutes=29))
        assert open_session(session.pk, user_id=user.pk, at=now + timedelta(minutes=58))
        assert not open_session(session.pk, user_id=user.pk, at=now + timedelta(minutes=61))

    def test_it_ends_once(self) -> None:
        user = make_superadmin()
        session = start(user)
        at = clock.now()
        assert console_sessions.end(session, SessionEnd.SIGNED_OUT, actor=user, at=at)
        assert not console_sessions.end(session, SessionEnd.DEACTIVATED, actor=user, at=at)
        session.refresh_from_db()
        assert session.end_reason == SessionEnd.SIGNED_OUT
        assert AuditEntry.objects.filter(action="console.session_end").count() == 1

    def test_who_has_no_access_gets_none(self) -> None:
        closed = make_operator(is_active=False)
        for user in (
            make_driver(),
            make_superadmin(is_active=False),
            make_staff(),
            make_staff(operators=[closed]),
        ):
            with pytest.raises(Forbidden):
                start(user)
        assert start(make_staff(operators=[closed, make_operator()]))


@pytest.mark.django_db(transaction=True)
def test_eight_sign_ins_at_once_leave_three() -> None:
    user = make_superadmin()
    in_threads(8, lambda number: start(user, clock.now() + timedelta(milliseconds=number)))
    assert open_sessions(user, clock.now()).count() == 3
    assert ConsoleSession.objects.filter(end_reason="TOO_MANY").count() == 5


@pytest.mark.django_db(transaction=True)
def test_two_superadmins_cannot_close_each_other_at_once() -> None:
    people = [make_superadmin(), make_superadmin()]

    def close(number: int) -> bool:
        try:
            change(people[number], is_active=False)
        except Conflict:
            return False
        return True

    assert sorted(in_threads(2, close)) == [False, True]
    assert User.objects.filter(role=Role.SUPERADMIN, is_active=True).count() == 1


def change(user: User, **changes: object) -> User:
    values = {
        "role": user.role,
        "operators": list(user.operators.all()),
        "is_active": user.is_active,
        "display_name": user.display_name,
        "language": user.language,
        **changes,
    }
    return staff.change_staff(user, actor=ACTOR, **values)  # type: ignore[arg-type]


@pytest.mark.django_db
class TestLosingAccess:
    def opened(self, user: User) -> tuple[ConsoleSession, SignIn]:
        now = clock.now()
        expires_at = now + timedelta(minutes=10)
        return start(user), sign_ins.sign_in(user, address="", expires_at=expires_at, at=now)

    def ended(self, session: ConsoleSession, sign_in: SignIn) -> tuple[str, bool]:
        session.refresh_from_db()
        sign_in.refresh_from_db()
        return session.end_reason, sign_in.revoked_at is not None

    def test_deactivation_ends_everything_at_once(self) -> None:
        root, user = make_superadmin(), make_staff(operators=[make_operator()])
        opened = self.opened(user)
        invitations.renew_access(make_staff(operators=[make_operator()]), actor=root, at=now())
        change(user, is_active=False)
        assert self.ended(*opened) == ("DEACTIVATED", True)
        entry = AuditEntry.objects.get(action="staff.change")
        assert entry.changes == {"is_active": {"from": True, "to": False}}
        assert StaffInvitation.objects.filter(withdrawn_at=None).count() == 1, "another person's"

    def test_an_open_set_up_link_dies_with_the_access(self) -> None:
        root, user = make_superadmin(), make_staff(operators=[make_operator()])
        invitation, _token = invitations.renew_access(user, actor=root, at=now())
        change(user, is_active=False)
        change(user, is_active=True)
        invitation.refresh_from_db()
        assert invitation.withdrawn_at is not None

    def test_a_change_that_takes_nothing_ends_nothing(self) -> None:
        user = make_staff(operators=[make_operator()])
        opened = self.opened(user)
        change(user, display_name="Nok", operators=[make_operator()])
        assert self.ended(*opened) == ("", False)
        user.refresh_from_db()
        change(user)
        assert AuditEntry.objects.filter(action="staff.change").count() == 1

    def test_closing_an_operator_ends_who_works_for_no_other(self) -> None:
        closing, other, closed = make_operator(), make_operator(), make_operator(is_active=False)
        only = self.opened(make_staff(operators=[closing, closed]))
        both = self.opened(make_staff(operators=[closing, other]))
        root = self.opened(make_superadmin())
        assert operators.set_active(closing, False, actor=ACTOR)
        assert not operators.set_active(closing, False, actor=ACTOR)
        assert self.ended(*only) == ("DEACTIVATED", True)
        assert self.ended(*both) == self.ended(*root) == ("", False)
        assert operators.set_active(closing, True, actor=ACTOR)

    def test_the_last_superadmin_stays_one(self) -> None:
        root = make_superadmin()
        make_superadmin(is_active=False)
        for changes in ({"is_active": False}, {"role": Role.DRIVER}):
            with pytest.raises(Conflict) as refusal:
                change(root, **changes)
            assert refusal.value.code == "last_superadmin"
        make_superadmin()
        assert not change(root, is_active=False).is_active

    @pytest.mark.parametrize("changes", [{"role": Role.STAFF}, {"role": "ROOT"}])
    def test_what_makes_no_sense_is_refused(self, changes: dict[str, object]) -> None:
        make_superadmin()
        with pytest.raises(InvalidInput):
            change(make_superadmin(), **changes)


def now() -> datetime:
    return clock.now()


def attempt(outcome: LoginOutcome = LoginOutcome.WRONG_CREDENTIALS, **changes: object) -> None:
    values = {
        "username": " Nok@Example.com",
        "address": "203.0.113.7",
        "user_agent": "Firefox",
        "at": clock.now(),
        **changes,
    }
    login_attempts.record(LoginChannel.CONSOLE, outcome, **values)  # type: ignore[arg-type]


@pytest.mark.django_db
class TestLoginAttempts:
    def test_what_is_kept(self) -> None:
        attempt(user_agent="A\x00\nB" * 300)
        row = LoginAttempt.objects.get()
        assert (row.username, row.remote_address, row.times) == (
            "nok@example.com",
            "203.0.113.7",
            1,
        )
        assert len(row.user_agent) == 300
        assert "\x00" not in row.user_agent

    def test_a_password_in_the_wrong_field_is_not(self) -> None:
        attempt(username="my-secret-password")
        assert LoginAttempt.objects.get().username == ""

    def test_a_flood_while_locked_out_is_one_row(self) -> None:
        at = clock.now()
        for second in range(50):
            attempt(LoginOutcome.LOCKED_OUT, at=at + timedelta(seconds=second))
        attempt(LoginOutcome.LOCKED_OUT, address="203.0.113.8", at=at)
        attempt(LoginOutcome.LOCKED_OUT, at=at + timedelta(minutes=16))
        assert sorted(LoginAttempt.objects.values_list("times", flat=True)) == [1, 1, 50]

    def test_a_flood_of_names_from_one_address_is_twenty_rows(self) -> None:
        at = clock.now()
        for number in range(60):
            attempt(LoginOutcome.LOCKED_OUT, username=f"{number}@example.com", at=at)
        attempt(LoginOutcome.LOCKED_OUT, username="a@example.com", address="198.51.100.1", at=at)
        times = LoginAttempt.objects.filter(remote_address="203.0.113.7").values_list("times")
        assert (len(times), sum(count for (count,) in times)) == (20, 60)
        assert LoginAttempt.objects.count() == 21

    def test_a_flood_from_the_addresses_of_one_customer_is_twenty_rows(self) -> None:
        at = clock.now()
        for number in range(60):
            attempt(LoginOutcome.WRONG_PASSKEY, username="", address=f"2001:db8::{number:x}", at=at)
        attempt(LoginOutcome.WRONG_PASSKEY, username="", address="2001:db8:0:1::1", at=at)
        times = LoginAttempt.objects.filter(network="2001:db8::/64").values_list("times")
        assert (len(times), sum(count for (count,) in times)) == (20, 60)
        assert LoginAttempt.objects.count() == 21

    def test_old_ones_and_old_sessions_go_at_night(self) -> None:
        long_ago = clock.now() - timedelta(days=91)
        attempt(at=long_ago)
        attempt()
        user = make_superadmin()
        make_console_session(user, at=long_ago)
        make_console_session(user, at=clock.now() - timedelta(days=89))
        expired = SessionStore()
        expired.set_expiry(clock.now() - timedelta(days=1))
        expired.create()
        for kind in ("login_attempts", "console_sessions"):
            apply_retention_rule(kind)
        purge_browser_sessions()
        assert not Session.objects.exists()
        assert (LoginAttempt.objects.count(), ConsoleSession.objects.count()) == (1, 1)
