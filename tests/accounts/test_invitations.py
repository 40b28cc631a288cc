from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django_otp.oath import totp

from accounts.domain.states import Role
from accounts.models import Authenticator, BackupCode, StaffInvitation, User
from accounts.selectors.invitations import invitation_of
from accounts.selectors.staff import staff_who_may
from accounts.services import invitations, staff
from accounts.services.set_up_links import set_up_url
from csms.common import clock
from csms.common.errors import Conflict, DomainError, InvalidInput, NotFound
from csms.common.models import AuditEntry
from tests.support.factories import make_driver, make_operator, make_staff, make_superadmin
from tests.support.threads import in_threads

OWN_PASSWORD = "my-own-long-secret"


def invite(root: User, at: datetime | None = None) -> tuple[User, StaffInvitation, str]:
    operator = make_operator()
    return invitations.invite_staff(
        "New@Example.com", Role.STAFF, [operator], actor=root, at=at or clock.now()
    )


def code_for(invitation: StaffInvitation) -> str:
    return f"{totp(invitations.begin(invitation).key):06}"


@pytest.mark.django_db
class TestInvitation:
    def test_the_person_sets_everything_and_nobody_else_knows_it(self) -> None:
        user, invitation, token = invite(make_superadmin())
        assert not user.has_usable_password()
        assert token not in str(StaffInvitation.objects.values().get())
        assert token not in str(list(AuditEntry.objects.values()))
        link = urlsplit(set_up_url(token))
        assert (link.path, link.fragment) == ("/admin/set-up/", token)
        found = invitation_of(token, clock.now())
        assert found == invitation
        assert not staff.verify_code(user, code_for(found)), "it does not count before it is set up"
        done, codes = invitations.accept(found, OWN_PASSWORD, code_for(found), at=clock.now())
        assert done.check_password(OWN_PASSWORD)
        assert len(codes) == BackupCode.objects.count() == 10
        assert Authenticator.objects.get(user=user).confirmed
        assert invitation_of(token, clock.now()) is None
        with pytest.raises(NotFound):
            invitations.accept(found, OWN_PASSWORD, "123456", at=clock.now())

    def test_a_link_ends_after_a_day(self) -> None:
        at = clock.now()
        _user, invitation, token = invite(make_superadmin(), at)
        assert invitation_of(token, at + timedelta(hours=23, minutes=59))
        assert invitation_of(token, at + timedelta(hours=24)) is None
        code = code_for(invitation)
        with pytest.raises(NotFound):
            invitations.accept(invitation, OWN_PASSWORD, code, at=at + timedelta(hours=24))

    @pytest.mark.parametrize("token", ["", "x", "\x00" * 43, "A" * 43, "ก" * 43])
    def test_what_is_no_token_opens_nothing(self, token: str) -> None:
        invite(make_superadmin())
        assert invitation_of(token, clock.now()) is None

    @pytest.mark.parametrize(
        ("password", "field"), [("short", "password"), ("password12", "password"), ("", "password")]
    )
    def test_a_bad_password_uses_nothing_up(self, password: str, field: str) -> None:
        _user, invitation, token = invite(make_superadmin())
        with pytest.raises(InvalidInput) as refusal:
            invitations.accept(invitation, password, code_for(invitation), at=clock.now())
        assert refusal.value.errors[0].field == field
        assert invitation_of(token, clock.now())

    def test_guessing_the_code_is_slowed_down(self) -> None:
        _user, invitation, _token = invite(make_superadmin())
        right = code_for(invitation)
        wrong = f"{(int(right) + 500_000) % 1_000_000:06}"
        for code in (wrong, right):
            with pytest.raises(InvalidInput) as refusal:
                invitations.accept(invitation, OWN_PASSWORD, code, at=clock.now())
            assert refusal.value.errors[0].field == "code"
        pending = Authenticator.objects.get(confirmed=False)
        assert pending.throttling_failure_count == 1

    def test_a_new_link_voids_the_one_before_and_its_qr_code(self) -> None:
        root = make_superadmin()
        user, invitation, token = invite(root)
        seen = invitations.begin(invitation).key
        again, newer = invitations.renew_access(user, actor=root, at=clock.now())
        assert invitation_of(token, clock.now()) is None
        assert invitation_of(newer, clock.now()) == again
        assert invitations.begin(again).key != seen

    def test_who_has_no_access_is_given_no_link(self) -> None:
        root = make_superadmin()
        for user in (make_driver(), make_staff(), make_superadmin(is_active=False)):
            with pytest.raises(Conflict):
                invitations.renew_access(user, actor=root, at=clock.now())
            user.refresh_from_db()
            assert user.has_usable_password()

    def test_an_invited_address_gets_no_mail_about_alerts_before_it_is_proven(self) -> None:
        root = make_superadmin()
        user, invitation, _token = invite(root)
        operator = user.operators.get()
        assert staff_who_may("chargepoints.change_alert", operator.pk) == [root]
        invitations.accept(invitation, OWN_PASSWORD, code_for(invitation), at=clock.now())
        assert staff_who_may("chargepoints.change_alert", operator.pk) == [user]


@pytest.mark.django_db(transaction=True)
def test_a_link_used_twice_at_once_counts_once() -> None:
    _user, invitation, _token = invite(make_superadmin())
    code = code_for(invitation)

    def accept(number: int) -> bool:
        try:
            invitations.accept(invitation, f"{OWN_PASSWORD}-{number}", code, at=clock.now())
        except DomainError:
            return False
        return True

    assert sorted(in_threads(6, accept)) == [False] * 5 + [True]
    assert BackupCode.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_the_same_address_invited_twice_at_once_is_one_person() -> None:
    root, operator = make_superadmin(), make_operator()

    def work(_number: int) -> bool:
        try:
            invitations.invite_staff(
                "new@example.com", Role.STAFF, [operator], actor=root, at=clock.now()
            )
        except Conflict:
            return False
        return True

    assert sorted(in_threads(4, work)) == [False] * 3 + [True]
