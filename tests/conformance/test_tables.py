"""The tables tell what ran and hide nothing."""

import pytest

from tests.conformance.cases import CASES, OPEN
from tests.conformance.oca import TEST_CASES
from tests.conformance.plugin import (
    FROM_CHARGER,
    TO_CHARGER,
    Conformance,
    cases_of,
    label,
    oca_number_of,
)
from tests.conformance.tables import (
    case_rows,
    expected_messages,
    message_rows,
    oca_rows,
    summary,
    table,
)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("test_case_09_the_newest_socket_wins", [9]),
        ("test_case_25_and_81_a_call_crosses_ours", [25, 81]),
        ("test_case_of_nothing", []),
        ("test_message_tables", []),
    ],
)
def test_numbers_in_a_name(name: str, numbers: list[int]) -> None:
    assert cases_of(name) == numbers


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("test_TC_003_regular_charging_session", "003"),
        ("test_TC_004_2_connection_time_out", "004_2"),
        ("test_TC_054_5_and_more", "054_5"),
        ("test_TC_01_too_short", ""),
        ("test_case_03_of_another_list", ""),
    ],
)
def test_the_open_charge_alliances_number_in_a_name(name: str, number: str) -> None:
    assert oca_number_of(name) == number


def test_parameters_of_a_test_are_one_test() -> None:
    assert label("tests/a/test_wire.py::test_x[tests/b::c]") == "test_wire::test_x"
    assert label("tests/a/test_wire.py::TestX::test_x") == "test_wire::test_x"


def test_every_message_and_every_case_has_a_row_with_its_result() -> None:
    seen = Conformance()
    seen.passed, seen.failed, seen.skipped = {"a", "b"}, {"b"}, {"c"}
    seen.cases.update({1: {"a", "c"}, 2: {"a", "b"}, 3: {"c"}, 999: {"a"}})
    seen.messages["Heartbeat", FROM_CHARGER] = {"a"}
    cases = {row[0]: row[1:] for row in case_rows(seen)}
    assert cases.keys() == {str(number) for number in CASES} | {"999"}
    assert [cases[number][1] for number in "1234"] == ["passed", "failed", "skipped", "none"]
    assert cases["1"] == (CASES[1], "passed", "", "a (+1)")
    assert cases["66"] == (CASES[66], "none", OPEN[66], "")
    assert cases["999"][0] == "(no such case)"
    seen.oca.update({"001": {"a"}, "004_1": {"a", "b"}, "999": {"c"}})
    contract = {row[0]: row[1:] for row in oca_rows(seen)}
    assert contract["TC_001"] == (TEST_CASES["001"], "passed", "a")
    assert contract["TC_999"] == ("(no such case)", "skipped", "c")
    assert summary(oca_rows(seen), 2) == "1 failed, 75 none, 1 passed, 1 skipped"
    messages = message_rows(seen)
    assert len({action for action, _direction in expected_messages()}) == 39
    assert ("DataTransfer", TO_CHARGER) in expected_messages()
    assert summary(messages, 2) == "39 none, 1 passed"
    assert "Heartbeat" in table(("message", "direction", "result", "tests"), messages)
