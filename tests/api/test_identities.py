"""Drivers see and give up the accounts elsewhere that they sign in with."""

from typing import Any

import pytest

from accounts.models import ExternalIdentity, SignIn, User
from accounts.services.external_identities import unlink
from csms.common import clock
from csms.common.errors import Conflict
from csms.common.models import AuditEntry
from tests.api.client import ApiClient
from tests.api.driver_support import AUTH, EMAIL, PHONE, signed_in
from tests.support.account_messages import empty_outboxes, written_to
from tests.support.factories import make_driver, make_staff
from tests.support.moving_clock import MovingClock
from tests.support.threads import in_threads

pytestmark = pytest.mark.django_db
PATH = f"{AUTH}/identities"


@pytest.fixture(autouse=True)
def _providers(settings: Any) -> Any:
    settings.OIDC_PROVIDERS = {"line": {"name": "LINE"}, "google": {"name": "Google"}}
    with empty_outboxes():
        yield


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


def link(user: User, provider: str = "line") -> ExternalIdentity:
    now = clock.now()
    return ExternalIdentity.objects.create(
        provider=provider,
        subject=f"subject of {user.pk}",
        user=user,
        created_at=now,
        last_used_at=now,
    )


def external_driver(*providers: str, **fields: Any) -> User:
    """Somebody whom we know by other accounts alone."""
    user = make_driver(None, password=None, is_external=True, **fields)
    for provider in providers:
        link(user, provider)
    return user


def test_the_list_holds_ones_own(django_assert_num_queries: Any) -> None:
    user = make_driver(EMAIL)
    mine = [link(user, "line"), link(user, "google")]
    link(make_driver("suda@example.com"))
    client = ApiClient.of(user)
    with django_assert_num_queries(3):
        rows = client.json("get", PATH, expect=200)["results"]
    assert [(row["provider"], row["id"]) for row in rows] == [
        ("google", mine[1].pk),
        ("line", mine[0].pk),
    ]
    assert set(rows[0]) == {"id", "provider", "created_at", "last_used_at"}


def test_is_for_drivers() -> None:
    ApiClient().call("get", PATH, expect=401)
    ApiClient.of(make_staff()).call("get", PATH, expect=403)


def test_unlinking_tells_the_owner_and_signs_the_others_out() -> None:
    user = make_driver(EMAIL, language="en")
    identity = link(user)
    here, _tokens = signed_in(email=EMAIL)
    there, _tokens = signed_in(email=EMAIL)
    here.call("delete", f"{PATH}/{identity.pk}", expect=204)
    assert not ExternalIdentity.objects.exists()
    assert "no longer be signed in to with LINE" in written_to(EMAIL)[-1]
    entry = AuditEntry.objects.get(action="driver.unlink_identity")
    assert (entry.actor_id, entry.changes) == (user.pk, {"provider": "line"})
    here.call("get", "/api/profile", expect=200)
    there.call("get", "/api/profile", expect=401)
    here.call("delete", f"{PATH}/{identity.pk}", expect=404)


def test_somebody_elses_is_not_there() -> None:
    identity = link(make_driver(EMAIL))
    other = ApiClient.of(make_driver("suda@example.com"))
    other.call("delete", f"{PATH}/{identity.pk}", expect=404)
    other.call("delete", f"{PATH}/{10**18}", expect=404)
    assert ExternalIdentity.objects.exists()


def test_needs_a_recent_sign_in(at: MovingClock) -> None:
    user = make_driver(EMAIL)
    identity = link(user)
    client = ApiClient.of(user)
    SignIn.objects.update(expires_at=at.at.replace(year=at.at.year + 1))
    at.forward(minutes=11)
    problem = client.json("delete", f"{PATH}/{identity.pk}", expect=403)
    assert problem["code"] == "sign_in_again"
    ApiClient.of(user).call("delete", f"{PATH}/{identity.pk}", expect=204)


class TestTheLastWayIn:
    def unlink(self, user: User, expect: int) -> Any:
        identity = user.external_identities.get(provider="line")
        return ApiClient.of(user).json("delete", f"{PATH}/{identity.pk}", expect=expect)

    def test_stays(self) -> None:
        user = external_driver("line")
        assert self.unlink(user, 409)["code"] == "last_way_to_sign_in"
        assert user.external_identities.exists()
        assert not AuditEntry.objects.filter(action="driver.unlink_identity").exists()

    def test_another_identity_is_one(self) -> None:
        user = external_driver("line", "google")
        self.unlink(user, 204)
        user.refresh_from_db()
        assert user.is_external

    def test_a_provider_that_is_switched_off_is_none(self, settings: Any) -> None:
        user = external_driver("line", "google")
        del settings.OIDC_PROVIDERS["google"]
        self.unlink(user, 409)

    def test_a_confirmed_address_is_one_also_without_a_password(self) -> None:
        user = make_driver(EMAIL, password=None, is_external=True)
        link(user)
        self.unlink(user, 204)
        user.refresh_from_db()
        assert not user.is_external

    def test_an_address_that_is_not_confirmed_is_none(self) -> None:
        user = make_driver(EMAIL, email_verified_at=None)
        link(user)
        self.unlink(user, 409)

    @pytest.mark.parametrize(
        ("password", "sms_backend", "expect"),
        [("a-long-password", "", 204), (None, "", 409), (None, "csms.common.sms.MemorySms", 204)],
    )
    def test_a_number_is_one_with_a_password_or_where_codes_are_sent(
        self, settings: Any, password: str | None, sms_backend: str, expect: int
    ) -> None:
        settings.SMS_BACKEND = sms_backend
        user = make_driver(None, phone=PHONE, password=password)
        link(user)
        self.unlink(user, expect)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_leave_one() -> None:
    user = external_driver("line", "google")
    keys = list(user.external_identities.values_list("pk", flat=True))

    def work(number: int) -> bool:
        try:
            unlink(user, keys[number], keep=None, at=clock.now())
        except Conflict:
            return False
        return True

    assert sorted(in_threads(2, work)) == [False, True]
    assert user.external_identities.count() == 1
