"""A code is entered while its person does something else, on connections of their own."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection

from accounts.domain.contacts import Channel, Contact
from accounts.models import ExternalIdentity, SignIn, User, Verification
from accounts.services import closing, drivers, external_identities, passwords, sign_ins
from accounts.services.oidc import signing_in
from accounts.services.oidc.assertions import Assertion
from accounts.services.refresh_families import Device
from csms.common import audit, clock
from csms.common.errors import DomainError
from tests.support.account_messages import code_sent_to, empty_outboxes
from tests.support.factories import PASSWORD, make_driver
from tests.support.threads import in_threads, until_one_waits_for_a_lock

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no locks of rows"),
]
NEW = "new@example.com"


@pytest.fixture(autouse=True)
def _outboxes() -> Any:
    with empty_outboxes():
        yield


def outcome(work: Any) -> str:
    try:
        work()
    except DomainError as refusal:
        return refusal.code
    return "done"


def asked_for_new_address(driver: User) -> tuple[Any, str]:
    at = clock.now()
    contact = Contact(Channel.EMAIL, NEW)
    asked = drivers.update_profile(driver, address="192.0.2.1", at=at, contact=contact)
    assert asked is not None
    return asked, code_sent_to(NEW)


def test_a_code_and_the_end_of_the_account_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
) -> None:
    """Each has its first row before the other asks for it: no deadlock, whoever is first."""
    settings.DATA_DIR = tmp_path
    driver = make_driver("driver@example.com")
    asked, code = asked_for_new_address(driver)
    entering, change = Event(), drivers._change_contact

    def change_once_the_other_waits(*arguments: Any) -> None:
        entering.set()
        with connection.cursor() as cursor:
            # Until the other transaction waits for one of our rows.
            cursor.execute("SELECT pg_sleep(0.3)")
        change(*arguments)

    monkeypatch.setattr(drivers, "_change_contact", change_once_the_other_waits)

    def close() -> None:
        assert entering.wait(10)
        closing.close_account(driver, at=clock.now())

    work = [lambda: drivers.verify(asked.pk, code, at=clock.now()), close]
    assert in_threads(2, lambda n: outcome(work[n])) == ["done", "done"]
    driver.refresh_from_db()
    assert (driver.email, driver.anonymised_at is not None) == (None, True)


def test_of_a_new_password_and_a_new_address_the_password_wins_if_it_is_first() -> None:
    for number in range(8):
        driver = make_driver(f"driver-{number}@example.com")
        User.objects.filter(email=NEW).update(email=f"former-{number}@example.com")
        Verification.objects.all().delete()  # the limits count them
        asked, code = asked_for_new_address(driver)
        work = [
            lambda: drivers.verify(asked.pk, code, at=clock.now()),  # noqa: B023
            lambda: passwords.change(driver, "staple-of-the-day", at=clock.now()),  # noqa: B023
        ]
        entered, changed = in_threads(2, lambda n: outcome(work[n]))  # noqa: B023
        driver.refresh_from_db()
        assert changed == "done"
        assert (driver.email == NEW) == (entered == "done")


def race(
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    first: Any,
    second: Any,
    *,
    module: Any = drivers,
) -> Any:
    """`second` begins when `first` has done `step`, which goes on once `second` waits."""
    has_begun, work = Event(), getattr(module, step)

    def done_until_the_other_waits(*arguments: Any, **named: Any) -> Any:
        done = work(*arguments, **named)
        if not has_begun.is_set():
            has_begun.set()
            until_one_waits_for_a_lock()
        return done

    monkeypatch.setattr(module, step, done_until_the_other_waits)

    def follow() -> None:
        assert has_begun.wait(30)
        second()

    works = [first, follow]
    return in_threads(2, lambda n: outcome(works[n]))


class TestOneAddressTwice:
    """Two codes were sent to one address: whoever is first has it, and the other is told so."""

    def entered(self, verification: Any, code: str) -> Any:
        return lambda: drivers.verify(verification.pk, code, at=clock.now())

    def registered(self, minutes_ago: int) -> Any:
        contact, at = Contact(Channel.EMAIL, NEW), clock.now() - timedelta(minutes=minutes_ago)
        asked = drivers.register(contact, PASSWORD, address="192.0.2.1", at=at)
        return self.entered(asked, code_sent_to(NEW))

    @pytest.mark.parametrize("is_turned", [False, True])
    def test_two_registrations(self, monkeypatch: pytest.MonkeyPatch, is_turned: bool) -> None:
        works = [self.registered(4), self.registered(2)]
        if is_turned:
            works.reverse()
        assert race(monkeypatch, "_create", *works) == ["done", "code_not_valid"]
        assert User.objects.filter(email=NEW).count() == 1

    def test_a_new_address_and_a_registration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        registered = self.registered(2)
        change = self.entered(*asked_for_new_address(make_driver("driver@example.com")))
        found = race(monkeypatch, "_change_contact", change, registered)
        assert found == ["done", "code_not_valid"]

    def test_a_registration_and_a_new_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        registered = self.registered(2)
        change = self.entered(*asked_for_new_address(make_driver("driver@example.com")))
        found = race(monkeypatch, "_create", registered, change)
        assert found == ["done", "address_taken"]

    def test_a_provider_s_word_and_a_registration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The account is made, and what waits for a code is not yet closed."""
        at = clock.now()
        word = Assertion("line", "subject-1", "digest", at + timedelta(minutes=5), email=NEW)
        device = Device(address="192.0.2.1")

        def visit() -> None:
            signing_in.sign_in(word, device, provider_name="LINE", language="th", at=at)

        found = race(monkeypatch, "record", visit, self.registered(2), module=audit)
        assert found == ["done", "code_not_valid"]


@pytest.mark.parametrize("is_turned", [False, True])
def test_whoever_signs_in_with_what_is_being_unlinked_is_out_afterwards(
    monkeypatch: pytest.MonkeyPatch, is_turned: bool
) -> None:
    """The account elsewhere leads to this one no more, whichever of the two was first."""
    driver, at = make_driver("driver@example.com"), clock.now()
    link = ExternalIdentity.objects.create(
        provider="line", subject="subject-1", user=driver, created_at=at, last_used_at=at
    )
    word = Assertion("line", "subject-1", "digest", at + timedelta(minutes=5))
    device = Device(address="192.0.2.1")

    def unlink() -> None:
        external_identities.unlink(driver, link.pk, keep=None, at=at)

    def visit() -> None:
        signing_in.sign_in(word, device, provider_name="LINE", language="th", at=at)

    if is_turned:
        found = race(monkeypatch, "open_family", visit, unlink, module=signing_in)
    else:
        found = race(monkeypatch, "revoke_all", unlink, visit, module=sign_ins)
    assert found == ["done", "done"]
    assert not SignIn.objects.filter(user=driver, revoked_at=None).exists()
