"""The tables tell what ran and hide nothing."""

import pytest

from tests.conformance.cases import CASES
from tests.conformance.plugin import FROM_CHARGER, TO_CHARGER, Conformance, cases_of, label
from tests.conformance.tables import case_rows, expected_messages, message_rows, summary, table


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
    assert cases["1"] == (CASES[1], "passed", "a (+1)")
    assert cases["999"][0] == "(no such case)"
    messages = message_rows(seen)
    assert len({action for action, _direction in expected_messages()}) == 39
    assert ("DataTransfer", TO_CHARGER) in expected_messages()
    assert summary(messages, 2) == "39 none, 1 passed"
    assert "Heartbeat" in table(("message", "direction", "result", "tests"), messages)
