"""What support sees of drivers: who is signed in where, what was confirmed, what was sent."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.domain.contacts import Channel, Contact
from accounts.models import User
from accounts.services import drivers
from csms.common import clock
from tests.api.client import ApiClient
from tests.support.account_messages import code_sent_to, empty_outboxes
from tests.support.factories import PASSWORD, make_driver, make_staff, make_superadmin

pytestmark = pytest.mark.django_db
LISTS = ("signin", "verification", "accountmessage", "externalidentity")
PHONE = "+66812345678"


@pytest.fixture
def driver() -> User:
    return make_driver(None, phone=PHONE)


def listed(client: Client, model: str, query: str = "") -> str:
    page = client.get(reverse(f"admin:accounts_{model}_changelist"), {"q": query} if query else {})
    assert page.status_code == 200
    return page.content.decode()


@pytest.mark.parametrize("model", LISTS)
def test_the_lists_are_for_superadmins(
    driver: User, sign_in: Callable[[User], Client], model: str
) -> None:
    url = reverse(f"admin:accounts_{model}_changelist")
    assert sign_in(make_superadmin()).get(url).status_code == 200
    assert sign_in(make_staff()).get(url).status_code == 403


@pytest.mark.parametrize("typed", ["0812345678", "+66 81 234 5678"])
@pytest.mark.parametrize("model", ["user", "signin"])
def test_a_driver_is_found_by_the_whole_number_only(
    driver: User, sign_in: Callable[[User], Client], model: str, typed: str
) -> None:
    ApiClient.of(driver)
    console = sign_in(make_superadmin())
    assert "•••5678" in listed(console, model, typed)
    assert "•••5678" not in listed(console, model, "0812345679")
    assert "•••5678" not in listed(console, model, "812345")
    assert "812345678" not in listed(console, model)


def test_codes_and_numbers_are_not_shown(sign_in: Callable[[User], Client]) -> None:
    with empty_outboxes():
        contact = Contact(Channel.SMS, PHONE)
        asked = drivers.register(contact, PASSWORD, address="10.0.0.1", at=clock.now())
        code = code_sent_to(PHONE)
    console = sign_in(make_superadmin())
    pages = [listed(console, model) for model in ("verification", "accountmessage")]
    pages += [
        console.get(reverse(f"admin:accounts_{name}_change", args=[key])).content.decode()
        for name, key in (("verification", asked.pk), ("accountmessage", asked.message.pk))
    ]
    for page in pages:
        assert "•••5678" in page
        assert code not in page
        assert "812345678" not in page


def test_what_was_verified_stands_with_the_user(
    driver: User, sign_in: Callable[[User], Client]
) -> None:
    console = sign_in(make_superadmin())
    page = console.get(reverse("admin:accounts_user_change", args=[driver.pk])).content.decode()
    assert "•••5678, verified 2020-01-01 07:00" in page
    other = make_driver("suda@example.com", email_verified_at=None)
    page = console.get(reverse("admin:accounts_user_change", args=[other.pk])).content.decode()
    assert "suda@example.com, not verified" in page
