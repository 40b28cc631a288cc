"""A stolen device or a former mailbox must not outlive what the owner does about it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache

from accounts.domain.states import Purpose, Role
from accounts.models import User, Verification
from accounts.services import closing, drivers, passwords, staff, verifications
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import InvalidInput, NotFound
from tests.api.client import ApiClient
from tests.api.driver_support import AUTH, EMAIL, OTHER_PASSWORD, PHONE, login, signed_in, verify
from tests.support.account_messages import code_sent_to, empty_outboxes
from tests.support.factories import PASSWORD, make_driver
from tests.support.moving_clock import MovingClock

pytestmark = pytest.mark.django_db
FOREIGN = "thief@example.com"
ADDRESS = "192.0.2.1"


@pytest.fixture(autouse=True)
def _outboxes() -> Any:
    with empty_outboxes():
        yield


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


def ask_to_change(client: ApiClient, address: str) -> dict[str, Any]:
    body = {"email": address, "current_password": PASSWORD}
    asked: dict[str, Any] = client.json("patch", "/api/profile", body, expect=200)["verification"]
    return asked


def ask_to_reset(address: str = EMAIL) -> dict[str, Any]:
    cache.clear()
    path = f"{AUTH}/password-reset"
    asked: dict[str, Any] = ApiClient(REMOTE_ADDR="192.0.2.77").json(
        "post", path, {"email": address}, expect=202
    )
    return asked


def confirm_reset(asked: dict[str, Any], code: str, expect: int = 204) -> None:
    body = {
        "verification_id": asked["verification_id"],
        "code": code,
        "password": OTHER_PASSWORD,
    }
    ApiClient().call("post", f"{AUTH}/password-reset/confirm", body, expect=expect)


class TestAPendingAddress:
    """Somebody has the device and the password, and has asked to take the account along."""

    def ends(self, asked: dict[str, Any], at: MovingClock) -> None:
        verify(asked, code_sent_to(FOREIGN), expect=400)
        at.forward(minutes=2)
        with pytest.raises(InvalidInput):
            verifications.repeat(UUID(asked["verification_id"]), address=ADDRESS, at=clock.now())
        assert User.objects.get().email == EMAIL

    def test_ends_with_a_reset_of_the_password(self, at: MovingClock) -> None:
        make_driver(EMAIL)
        thief, _tokens = signed_in(email=EMAIL)
        asked = ask_to_change(thief, FOREIGN)
        confirm_reset(ask_to_reset(), code_sent_to(EMAIL))
        thief.call("get", "/api/profile", expect=401)
        self.ends(asked, at)

    def test_ends_with_a_change_of_the_password(self, at: MovingClock) -> None:
        driver = make_driver(EMAIL)
        asked = ask_to_change(signed_in(email=EMAIL)[0], FOREIGN)
        passwords.change(driver, OTHER_PASSWORD, at=clock.now())
        self.ends(asked, at)

    def test_ends_when_every_device_is_signed_out(self, at: MovingClock) -> None:
        make_driver(EMAIL)
        asked = ask_to_change(signed_in(email=EMAIL)[0], FOREIGN)
        signed_in(email=EMAIL)[0].call("delete", f"{AUTH}/devices?keep_current=true", expect=204)
        self.ends(asked, at)

    def test_ends_when_the_account_is_switched_off_and_on(self, at: MovingClock) -> None:
        driver = make_driver(EMAIL)
        asked = ask_to_change(signed_in(email=EMAIL)[0], FOREIGN)
        for is_active in (False, True):
            staff.change_staff(
                driver,
                role=Role.DRIVER,
                operators=[],
                is_active=is_active,
                display_name="",
                language="th",
                actor=SystemActor("test"),
            )
        self.ends(asked, at)

    def test_counts_under_the_password_that_it_was_asked_with_alone(self) -> None:
        """Whatever sets a password, and whether or not it closes what waits."""
        driver = make_driver(EMAIL)
        asked = ask_to_change(signed_in(email=EMAIL)[0], FOREIGN)
        driver.set_password(OTHER_PASSWORD)
        driver.save()
        verify(asked, code_sent_to(FOREIGN), expect=404)
        assert User.objects.get().email == EMAIL

    def test_still_counts_while_nothing_has_happened(self, at: MovingClock) -> None:
        make_driver(EMAIL)
        asked = ask_to_change(signed_in(email=EMAIL)[0], "new@example.com")
        at.forward(minutes=2)
        again = verifications.repeat(
            UUID(asked["verification_id"]), address=ADDRESS, at=clock.now()
        )
        verify({"verification_id": str(again.pk)}, code_sent_to("new@example.com"))
        assert User.objects.get().email == "new@example.com"


def test_a_request_is_repeated_for_a_day_from_the_first(at: MovingClock) -> None:
    make_driver(EMAIL)
    asked = ask_to_change(signed_in(email=EMAIL)[0], FOREIGN)
    newest, first_at = UUID(asked["verification_id"]), clock.now()
    for _again in range(2):
        at.forward(hours=11, minutes=59)
        newest = verifications.repeat(newest, address=ADDRESS, at=clock.now()).pk
    assert Verification.objects.get(pk=newest).first_requested_at == first_at
    at.forward(minutes=2)
    with pytest.raises(InvalidInput):
        verifications.repeat(newest, address=ADDRESS, at=clock.now())


class TestAFormerAddress:
    def test_resets_no_password(self, at: MovingClock) -> None:
        make_driver(EMAIL)
        reset = ask_to_reset()
        code = code_sent_to(EMAIL)
        at.forward(minutes=1)
        asked = ask_to_change(signed_in(email=EMAIL)[0], "new@example.com")
        verify(asked, code_sent_to("new@example.com"))
        confirm_reset(reset, code, expect=400)
        login(email="new@example.com")

    def test_resets_none_even_if_the_code_is_still_open(self) -> None:
        driver = make_driver(EMAIL)
        reset = ask_to_reset()
        User.objects.filter(pk=driver.pk).update(email="new@example.com")
        confirm_reset(reset, code_sent_to(EMAIL), expect=404)
        login(email="new@example.com")

    def test_closes_no_account(self) -> None:
        driver = make_driver(EMAIL)
        asked = closing.ask_for_code(driver, address=ADDRESS, at=clock.now())
        code = code_sent_to(EMAIL)
        User.objects.filter(pk=driver.pk).update(email="new@example.com")
        with pytest.raises(NotFound):
            closing.close_by_code(driver, asked.pk, code, at=clock.now())
        driver.refresh_from_db()
        assert driver.anonymised_at is None

    def test_is_not_needed_for_a_reset_by_the_other_one(self) -> None:
        """Whoever has two may use either."""
        make_driver(EMAIL, phone=PHONE)
        path = f"{AUTH}/password-reset"
        reset = ApiClient().json("post", path, {"phone": PHONE}, expect=202)
        confirm_reset(reset, code_sent_to(PHONE))
        login(email=EMAIL, password=OTHER_PASSWORD)


def test_a_new_address_voids_every_other_code(at: MovingClock) -> None:
    driver = make_driver(EMAIL)
    client, _tokens = signed_in(email=EMAIL)
    asked = ask_to_change(client, "new@example.com")
    code = code_sent_to("new@example.com")
    for address, purpose in (
        ("other@example.com", Purpose.CHANGE_CONTACT),
        (EMAIL, Purpose.RESET_PASSWORD),
        (EMAIL, Purpose.CLOSE_ACCOUNT),
    ):
        Verification.objects.create(
            purpose=purpose,
            channel="EMAIL",
            user=driver,
            address=address,
            language="th",
            requested_at=clock.now(),
            expires_at=clock.now() + timedelta(minutes=5),
        )
    drivers.verify(UUID(asked["verification_id"]), code, at=clock.now())
    assert not Verification.objects.filter(closed_at=None).exists()
