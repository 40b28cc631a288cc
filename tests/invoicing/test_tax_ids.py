"""Tax ids against numbers that were published by others, and made ones."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.domain.tax_ids import Party, check_digit, normal_branch, normal_tax_id, party_of

PUBLISHED = Path(__file__).parents[3] / "shared" / "fixtures" / "thai-tax-ids.json"


@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"{PUBLISHED} is not there")
def test_published_numbers() -> None:
    found = json.loads(PUBLISHED.read_text())
    assert len(found["valid_juristic"]) > 40
    for one in found["valid_juristic"]:
        assert normal_tax_id(one["as_found"]) == one["compact"]
        assert party_of(one["compact"]) is Party.COMPANY


@given(st.from_regex(r"[0-8][0-9]{11}", fullmatch=True), st.integers(1, 9), st.integers(0, 12))
def test_one_wrong_digit_is_found(first_twelve: str, change: int, position: int) -> None:
    right = first_twelve + check_digit(first_twelve)
    assert normal_tax_id(right) == right
    digit = (int(right[position]) + change) % 10
    wrong = f"{right[:position]}{digit}{right[position + 1 :]}"
    # Modulo 11 reduced to one digit lets remainders 0 and 10, 1 and 11 fall together.
    if check_digit(wrong[:12]) != wrong[12] or wrong[0] == "9":
        with pytest.raises(ValueError):
            normal_tax_id(wrong)


@pytest.mark.parametrize(
    "text",
    ["", "0105544046603", "010554404660", "01055440466022", "9000000000003", "O105544046602"],
)
def test_what_is_no_tax_id(text: str) -> None:
    with pytest.raises(ValueError):
        normal_tax_id(text)


def test_spelling() -> None:
    assert normal_tax_id("๐-1055-44046-60-2") == "0105544046602"
    assert normal_tax_id("0 1055 44046 60 2") == "0105544046602"
    assert normal_branch(" ๐๐๐๐1 ") == "00001"
    for text in ("", "1", "000000", "0000a"):
        with pytest.raises(ValueError):
            normal_branch(text)
