"""One spelling of each number and address."""

import pytest

from accounts.domain.contacts import Channel, Contact, email_address, thai_mobile


@pytest.mark.parametrize(
    "text",
    [
        "0812345678",
        "66812345678",
        "+66812345678",
        "081-234-5678",
        "+66 81 234 5678",
        "(081) 234.5678",
        "๐๘๑๒๓๔๕๖๗๘",
        "０８１２３４５６７８",
    ],
)
def test_a_thai_mobile_number_has_one_form(text: str) -> None:
    assert thai_mobile(text) == "+66812345678"


@pytest.mark.parametrize("first", "689")
def test_mobile_numbers_begin_with_6_8_or_9(first: str) -> None:
    assert thai_mobile(f"0{first}12345678") == f"+66{first}12345678"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "021234567",  # Bangkok, no mobile
        "0212345678",
        "081234567",
        "08123456789",
        "+660812345678",
        "+0812345678",
        "++66812345678",
        "812345678",
        "+12025550123",
        "081234567a",
        "0812345678\x00",
        "0" * 10_000,
        "²812345678",
    ],
)
def test_what_is_no_thai_mobile_number(text: str) -> None:
    assert thai_mobile(text) is None


def test_an_address_in_lower_case() -> None:
    assert email_address(" Somchai@Example.COM ") == "somchai@example.com"


def test_a_hint_shows_little() -> None:
    assert Contact(Channel.SMS, "+66812345678").hint == "•••5678"
    assert Contact(Channel.EMAIL, "somchai@example.com").hint == "s•••@example.com"
