"""Inviting, closing, rotating and looking on: what SUPERADMIN does, and one's own security."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from django.urls import reverse

from accounts.models import (
    ApiKey,
    Authenticator,
    BackupCode,
    ConsoleSession,
    LoginAttempt,
    SignIn,
    User,
)
from accounts.services import closing, keys
from accounts.services import staff as staff_services
from csms.common import clock
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.console.conftest import World, is_inside, signed_in_client
from tests.support.factories import (
    PASSWORD,
    make_api_key,
    make_driver,
    make_superadmin,
    one_time_code,
)

SignInAs = Callable[[User], Client]
LOGIN = "/admin/login/"
SECURITY = "/admin/security/"
pytestmark = pytest.mark.django_db


def form(user: User, **changes: str) -> dict[str, str]:
    given = {"username": user.email or "", "password": PASSWORD, "otp_token": ""}
    return {**given, **changes}


def sign_in_by_form(user: User) -> Client:
    client = Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    Authenticator.objects.filter(user=user).update(last_period=-1)
    assert client.post(LOGIN, form(user, otp_token=one_time_code(user))).status_code == 302
    return client


class TestSigningIn:
    @pytest.mark.parametrize("engine", ["db", "cache", "cached_db"])
    def test_a_fourth_session_ends_the_first_at_once(
        self, world: World, engine: str, settings: Any
    ) -> None:
        settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
        clients = [sign_in_by_form(world.staff) for _number in range(4)]
        assert [is_inside(client) for client in clients] == [False, True, True, True]

    def test_signing_in_again_in_the_same_browser_is_one_session(self, world: World) -> None:
        client = sign_in_by_form(world.staff)
        Authenticator.objects.filter(user=world.staff).update(last_period=-1)
        client.post(LOGIN, form(world.staff, otp_token=one_time_code(world.staff)))
        assert is_inside(client)
        assert ConsoleSession.objects.filter(ended_at=None).count() == 1

    def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(self, world: World) -> None:
        client = sign_in_by_form(world.staff)
        kept = Client()
        kept.cookies = client.cookies.copy()  # type: ignore[assignment]
        assert client.post("/admin/logout/").status_code in (200, 302)
        assert not is_inside(kept)
        assert ConsoleSession.objects.get().end_reason == "SIGNED_OUT"

    def test_half_an_hour_without_a_click_ends_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client, start = sign_in_by_form(world.staff), clock.now()
        assert client.get("/admin/").cookies["sessionid"]["max-age"] == 1800
        for minutes, is_open in ((29, True), (58, True), (87, True), (119, False), (120, False)):
            at = start + timedelta(minutes=minutes)
            monkeypatch.setattr(clock, "now", lambda at=at: at)
            assert is_inside(client) is is_open, minutes

    def test_five_wrong_codes_lock_out_like_five_wrong_passwords(self, world: World) -> None:
        user, statuses = world.staff, []
        for _number in range(project.AXES_FAILURE_LIMIT):
            Authenticator.objects.update(throttling_failure_timestamp=None)
            statuses.append(Client().post(LOGIN, form(user, otp_token="000000")).status_code)
        assert statuses == [200] * 4 + [429]
        Authenticator.objects.update(throttling_failure_timestamp=None)
        right = form(user, otp_token=one_time_code(user))
        assert Client(REMOTE_ADDR="203.0.113.9").post(LOGIN, right).status_code == 429
        outcomes = list(LoginAttempt.objects.order_by("id").values_list("outcome", flat=True))
        assert outcomes == ["WRONG_CODE"] * 4 + ["LOCKED_OUT"] * 2

    def test_who_works_for_closed_operators_only_is_told(self, world: World) -> None:
        world.operator.is_active = False
        world.operator.save()
        answer = Client().post(LOGIN, form(world.staff, otp_token=one_time_code(world.staff)))
        assert "No operator that you work for is active" in answer.content.decode()
        assert LoginAttempt.objects.get().outcome == "NOT_ALLOWED"

    def test_a_new_password_ends_every_other_session(self, world: World) -> None:
        user = world.staff
        here, there, api = sign_in_by_form(user), sign_in_by_form(user), ApiClient.of(user)
        new = "another-long-passphrase"
        answer = here.post(
            "/admin/password_change/",
            {"old_password": PASSWORD, "new_password1": new, "new_password2": new},
        )
        assert answer.status_code == 302
        assert (is_inside(here), is_inside(there)) == (True, False)
        assert api.get("/charge-points").status_code == 401
        assert AuditEntry.objects.filter(action="staff.change_password").count() == 1


class TestLookingOn:
    def test_superadmin_sees_every_attempt_and_session(
        self, world: World, sign_in: SignInAs
    ) -> None:
        Client(REMOTE_ADDR="203.0.113.66").post(LOGIN, form(world.staff, password="wrong"))
        sign_in_by_form(world.staff)
        client = sign_in(world.superadmin)
        attempts = reverse("admin:accounts_loginattempt_changelist")
        html = client.get(attempts).content.decode()
        for text in ("staff@example.com", "wrong e-mail or password", "203.0.113.66", "succeeded"):
            assert text in html
        found = client.get(attempts, {"q": "203.0.113.66"}).context["cl"].result_list
        assert [row.outcome for row in found] == ["WRONG_CREDENTIALS"]
        listed = client.get(reverse("admin:accounts_consolesession_changelist"))
        assert len(listed.context["cl"].result_list) == 2

    def test_superadmin_ends_somebodys_session(self, world: World, sign_in: SignInAs) -> None:
        theirs = sign_in_by_form(world.staff)
        session = ConsoleSession.objects.get()
        client = sign_in(world.superadmin)
        url = reverse("admin:accounts_consolesession_end_session", args=[session.pk])
        assert client.get(url).status_code == 200
        assert is_inside(theirs)
        client.post(url)
        assert not is_inside(theirs)


class TestStaff:
    def test_a_new_member_of_staff_gets_a_link_and_no_password(
        self, world: World, sign_in: SignInAs
    ) -> None:
        client = sign_in(world.superadmin)
        page = client.get(reverse("admin:accounts_user_add")).content.decode()
        assert "new-password" not in page
        answer = client.post(
            reverse("admin:accounts_user_add"),
            {
                "email": "new@example.com",
                "display_name": "Nok",
                "role": "STAFF",
                "operators": [world.operator.pk],
                "language": "th",
            },
        )
        assert answer.status_code == 200, answer.context["adminform"].form.errors
        assert "/admin/set-up/#" in answer.context["secrets"][0][1]
        assert "no-store" in answer["Cache-Control"]
        user = User.objects.get(email="new@example.com")
        assert list(user.operators.all()) == [world.operator]
        assert not user.has_usable_password()
        assert AuditEntry.objects.filter(object_id=user.pk, action="staff.create").count() == 1

    def test_a_new_link_takes_the_old_access(self, world: World, sign_in: SignInAs) -> None:
        theirs = sign_in_by_form(world.staff)
        client = sign_in(world.superadmin)
        url = reverse("admin:accounts_user_renew_second_factor", args=[world.staff.pk])
        assert client.get(url).status_code == 200
        assert is_inside(theirs)
        assert "/admin/set-up/#" in client.post(url).context["secrets"][0][1]
        assert not is_inside(theirs)

    def change(self, client: Client, user: User, **changes: Any) -> Any:
        data: dict[str, Any] = {
            "display_name": user.display_name,
            "role": user.role,
            "operators": [operator.pk for operator in user.operators.all()],
            "language": user.language,
            "is_active": "on",
            **changes,
        }
        url = reverse("admin:accounts_user_change", args=[user.pk])
        return client.post(url, {name: value for name, value in data.items() if value != ""})

    def test_deactivation_is_at_once(self, world: World, sign_in: SignInAs) -> None:
        theirs, api = sign_in_by_form(world.staff), ApiClient.of(world.staff)
        client = sign_in(world.superadmin)
        assert self.change(client, world.staff, is_active="").status_code == 302
        assert not is_inside(theirs)
        assert api.get("/charge-points").status_code == 401
        assert ConsoleSession.objects.get(user=world.staff).end_reason == "DEACTIVATED"
        assert SignIn.objects.get(user=world.staff).revoked_at is not None
        entries = AuditEntry.objects.filter(object_id=world.staff.pk)
        assert {entry.action for entry in entries} == {"staff.change", "sign_in.revoke_all"}

    def test_an_account_that_was_closed_stays_closed(
        self, world: World, sign_in: SignInAs, settings: Any, tmp_path: Any
    ) -> None:
        settings.DATA_DIR = tmp_path
        driver = make_driver()
        closing.close_account(driver, at=clock.now())
        driver.refresh_from_db()
        answer = self.change(sign_in(world.superadmin), driver, is_active="on")
        assert "The account is closed already." in answer.content.decode()
        driver.refresh_from_db()
        assert not driver.is_active

    def test_closing_an_operator_is_at_once(self, world: World, sign_in: SignInAs) -> None:
        theirs = sign_in_by_form(world.staff)
        client = sign_in(world.superadmin)
        operator = world.operator
        data = {"name": "Renamed", "name_th": "", "code": operator.code, "currency": "THB"}
        url = reverse("admin:accounts_operator_change", args=[operator.pk])
        assert client.post(url, data).status_code == 302
        operator.refresh_from_db()
        assert (operator.name, operator.is_active) == ("Renamed", False)
        assert not is_inside(theirs)
        assert client.post(url, {**data, "is_active": "on"}).status_code == 302
        operator.refresh_from_db()
        assert operator.is_active

    def test_the_last_superadmin_cannot_be_taken_away(
        self, world: World, sign_in: SignInAs
    ) -> None:
        client = sign_in(world.superadmin)
        for changes in ({"is_active": ""}, {"role": "STAFF", "operators": [world.operator.pk]}):
            answer = self.change(client, world.superadmin, **changes)
            assert "this person must stay one" in answer.content.decode()
        make_superadmin()
        assert self.change(client, world.superadmin, is_active="").status_code == 302


class TestKeys:
    def test_a_key_is_rotated_and_bound_to_networks(self, world: World, sign_in: SignInAs) -> None:
        client = sign_in(world.superadmin)
        key, old = make_api_key()
        rotate = reverse("admin:accounts_apikey_rotate", args=[key.pk])
        assert client.get(rotate).status_code == 200
        assert client.post(rotate, {"overlap_hours": "9999"}).status_code == 200
        new = client.post(rotate, {"overlap_hours": "24"}).context["secrets"][0][1]
        assert keys.verify(old) == keys.verify(new) == key
        page = client.get(reverse("admin:accounts_apikey_change", args=[key.pk]))
        assert reverse("admin:accounts_apikey_end_overlap", args=[key.pk]) in page.content.decode()
        client.post(reverse("admin:accounts_apikey_end_overlap", args=[key.pk]))
        assert (keys.verify(old), keys.verify(new)) == (None, key)

        networks = reverse("admin:accounts_apikey_networks", args=[key.pk])
        answer = client.post(networks, {"allowed_networks": "10.0.0.5/8"})
        assert "is no network" in answer.content.decode()
        data = {"allowed_networks": "203.0.113.0/24\n2001:db8::/48", "reason": "The contract"}
        assert client.post(networks, data).status_code == 302
        assert keys.verify(new, address="198.51.100.1") is None
        assert keys.verify(new, address="203.0.113.5") == key
        assert AuditEntry.objects.get(action="api_key.set_networks").reason == "The contract"
        assert "203.0.113.0/24" in client.get(networks).content.decode()
        assert client.post(networks, {"allowed_networks": ""}).status_code == 302
        assert keys.verify(new, address="198.51.100.1") == key

    def test_a_void_key_offers_nothing(self, world: World, sign_in: SignInAs) -> None:
        client = sign_in(world.superadmin)
        key, _raw = make_api_key()
        keys.revoke(key, actor=world.superadmin)
        page = client.get(reverse("admin:accounts_apikey_change", args=[key.pk]))
        assert reverse("admin:accounts_apikey_rotate", args=[key.pk]) not in page.content.decode()
        rotate = reverse("admin:accounts_apikey_rotate", args=[key.pk])
        assert client.post(rotate, {"overlap_hours": "24"}).status_code == 302
        assert ApiKey.objects.get().rotated_at is None


class TestOwnSecurity:
    def test_new_backup_codes_need_a_code_given_just_now(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = world.staff
        old = staff_services.create_backup_codes(user)
        client = signed_in_client(user)
        renew = f"{SECURITY}backup-codes/"
        assert client.post(renew).status_code == 302
        client.post(f"{SECURITY}confirm/", {"code": "000000"})
        assert client.post(renew).status_code == 302
        assert staff_services.verify_code(user, old[0])

        client.post(f"{SECURITY}confirm/", {"code": old[1]})
        answer = client.post(renew)
        assert "no-store" in answer["Cache-Control"]
        codes = answer.context["secrets"][0][1].split()
        assert len(codes) == BackupCode.objects.count() == 10
        later = clock.now() + timedelta(minutes=11)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert client.post(renew).status_code == 302
        assert staff_services.verify_code(user, codes[0])
        assert not staff_services.verify_code(user, old[2])

    def test_confirming_in_one_session_confirms_no_other(self, world: World) -> None:
        code = staff_services.create_backup_codes(world.staff)[0]
        one, other = signed_in_client(world.staff), signed_in_client(world.staff)
        one.post(f"{SECURITY}confirm/", {"code": code})
        assert other.post(f"{SECURITY}backup-codes/").status_code == 302
        assert one.post(f"{SECURITY}backup-codes/").status_code == 200

    def test_sessions_and_sign_ins_are_ended_one_by_one_or_all(self, world: World) -> None:
        user = world.staff
        here, there, third = (sign_in_by_form(user) for _number in range(3))
        api, other_api = ApiClient.of(user), ApiClient.of(user)
        page = here.get(SECURITY).content.decode()
        assert page.count("Firefox, Windows") == 3
        second = ConsoleSession.objects.order_by("started_at")[1]
        here.post(f"{SECURITY}sessions/{second.pk}/end/")
        assert (is_inside(there), is_inside(third)) == (False, True)
        newest = SignIn.objects.order_by("-created_at", "-id")[0]
        here.post(f"{SECURITY}sign-ins/{newest.pk}/end/")
        assert other_api.get("/charge-points").status_code == 401
        assert api.get("/charge-points").status_code == 200
        here.post(f"{SECURITY}sessions/end-others/")
        assert (is_inside(here), is_inside(third)) == (True, False)
        assert api.get("/charge-points").status_code == 401

    def test_other_peoples_things_are_not_there(self, world: World) -> None:
        theirs = sign_in_by_form(world.superadmin)
        session = ConsoleSession.objects.get()
        ApiClient.of(world.superadmin)
        sign_in_row = SignIn.objects.get()
        client = signed_in_client(world.staff)
        for path in (
            f"sessions/{session.pk}/end/",
            f"sign-ins/{sign_in_row.pk}/end/",
            "passkeys/1/remove/",
        ):
            assert client.post(SECURITY + path).status_code == 404, path
        assert is_inside(theirs)
