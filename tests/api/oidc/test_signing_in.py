"""Signing in with LINE, Google or Apple, against a provider on the loopback."""

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import ExternalIdentity, SignIn, SpentAssertion, User, Verification
from csms.common import clock
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.api.oidc.support import EMAIL, PATH, VERIFIED, sign_in
from tests.support.account_messages import code_sent_to, written_to
from tests.support.factories import PASSWORD, make_driver, make_staff
from tests.support.oidc_provider import NONCE, Provider
from tests.support.threads import in_threads

pytestmark = pytest.mark.django_db


class TestSigningIn:
    def test_the_first_visit_makes_an_account_and_the_next_one_finds_it(
        self, line: Provider
    ) -> None:
        first = sign_in(line.token(**VERIFIED), device_name="Phone")
        assert (first["user"]["email"], first["user"]["email_verified"]) == (EMAIL, True)
        assert (first["user"]["display_name"], first["user"]["has_password"]) == (
            "Somchai P.",
            False,
        )
        client = ApiClient(HTTP_AUTHORIZATION=f"Bearer {first['access']}")
        client.call("get", "/api/profile", expect=200)
        again = sign_in(line.token(iat=int(time.time()) - 1))
        assert again["user"]["id"] == first["user"]["id"]
        assert User.objects.count() == ExternalIdentity.objects.count() == 1
        assert SignIn.objects.filter(refresh_generation=0).count() == 2

    def test_without_an_address_as_with_line(self, line: Provider) -> None:
        """LINE names an address without saying whether it has verified it."""
        answer = sign_in(line.token(email=EMAIL, name="Somchai"))
        assert answer["user"]["email"] is None
        user = User.objects.get()
        assert user.is_external
        assert str(user) == "Somchai"

    @pytest.mark.parametrize("said", [None, False, "false", "1", 1, "yes"])
    def test_an_address_counts_only_if_the_provider_has_verified_it(
        self, line: Provider, said: Any
    ) -> None:
        owner = make_driver(EMAIL)
        answer = sign_in(line.token(email=EMAIL, email_verified=said))
        assert answer["user"]["id"] != owner.pk
        assert answer["user"]["email"] is None

    @pytest.mark.parametrize("said", [True, "true"])
    def test_a_verified_address_leads_to_the_verified_account_and_its_owner_is_told(
        self, line: Provider, said: Any
    ) -> None:
        owner = make_driver(EMAIL, language="en")
        answer = sign_in(line.token(email=EMAIL.upper(), email_verified=said))
        assert answer["user"]["id"] == owner.pk
        assert "can be signed in to with LINE" in written_to(EMAIL)[-1]
        assert AuditEntry.objects.get(action="driver.link_identity").actor_id == owner.pk
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)

    def test_an_unverified_account_is_not_taken_over(self, line: Provider) -> None:
        make_driver(EMAIL, email_verified_at=None)
        assert sign_in(line.token(**VERIFIED), expect=409)["code"] == "account_exists"
        assert not ExternalIdentity.objects.exists()
        assert not SignIn.objects.exists()
        assert not SpentAssertion.objects.exists()

    def test_who_prepared_a_registration_with_that_address_gets_nothing(
        self, line: Provider
    ) -> None:
        body = {"email": EMAIL, "password": "the-attackers-password"}
        prepared = ApiClient().json("post", "/api/auth/register", body, expect=202)
        code = code_sent_to(EMAIL)
        owner = sign_in(line.token(**VERIFIED))["user"]["id"]
        entered = {"verification_id": prepared["verification_id"], "code": code}
        ApiClient().call("post", "/api/auth/verify", entered, expect=400)
        assert Verification.objects.get().closed_at
        cache.clear()
        ApiClient().call("post", "/api/auth/login", body, expect=401)
        assert not User.objects.get(pk=owner).has_usable_password()

    def test_a_second_identity_of_one_provider_is_not_linked_by_address(
        self, line: Provider
    ) -> None:
        sign_in(line.token(**VERIFIED))
        sign_in(line.token(sub="subject-2", **VERIFIED), expect=409)

    def test_the_subject_decides_not_the_address(self, line: Provider) -> None:
        first = sign_in(line.token(**VERIFIED))
        other = make_driver("suda@example.com")
        again = sign_in(line.token(email=other.email, email_verified=True))
        assert again["user"]["id"] == first["user"]["id"]

    @pytest.mark.parametrize("with_link", [True, False])
    def test_staff_do_not_get_past_their_second_factor(
        self, line: Provider, with_link: bool
    ) -> None:
        staff = make_staff(EMAIL)
        User.objects.filter(pk=staff.pk).update(email_verified_at=clock.now())
        if with_link:
            now = clock.now()
            ExternalIdentity.objects.create(
                provider="line", subject="subject-1", user=staff, created_at=now, last_used_at=now
            )
        sign_in(line.token(**VERIFIED), expect=401 if with_link else 409)
        assert not SignIn.objects.exists()

    def test_a_closed_account_stays_closed(self, line: Provider) -> None:
        answer = sign_in(line.token(**VERIFIED))
        User.objects.filter(pk=answer["user"]["id"]).update(is_active=False)
        sign_in(line.token(iat=int(time.time()) - 1), expect=401)

    def test_a_name_cannot_hold_more_than_a_name(self, line: Provider) -> None:
        sign_in(line.token(name="a\u202eb"))
        sign_in(line.token(sub="subject-2", name="x" * 5000))
        sign_in(line.token(sub="subject-3", name={"evil": 1}))
        assert sorted(len(user.display_name) for user in User.objects.all()) == [0, 0, 200]

    @pytest.mark.django_db(transaction=True)
    def test_two_first_visits_at_once_make_one_account(self, line: Provider) -> None:
        now = int(time.time())
        tokens = [line.token(iat=now - number, **VERIFIED) for number in range(4)]

        def visit(number: int) -> int:
            body = {"id_token": tokens[number], "nonce": NONCE}
            return Client().post(PATH, body, "application/json").status_code

        assert in_threads(4, visit) == [200] * 4
        assert User.objects.count() == ExternalIdentity.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_one_token_ten_times_at_once_signs_in_once(self, line: Provider) -> None:
        token = line.token(**VERIFIED)

        def visit(number: int) -> int:
            body = {"id_token": token, "nonce": NONCE}
            client = Client(REMOTE_ADDR=f"10.0.{number}.1")
            return client.post(PATH, body, "application/json").status_code

        assert sorted(in_threads(10, visit)) == [200] + [401] * 9
        assert SignIn.objects.count() == 1
