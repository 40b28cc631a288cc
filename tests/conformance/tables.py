"""What the tests showed, as rows and as text."""

from collections import Counter
from collections.abc import Sequence

from ocpp_gateway.protocol.rules import RULES
from ocpp_gateway.versions import V16
from tests.conformance.cases import CASES, OPEN
from tests.conformance.oca import TEST_CASES
from tests.conformance.plugin import FROM_CHARGER, TO_CHARGER, Conformance

Row = tuple[str, ...]
NO_SUCH_CASE = "(no such case)"


def expected_messages() -> list[tuple[str, str]]:
    """Every message of OCPP 1.6 with the direction in which it is a request."""
    incoming = [(action, FROM_CHARGER) for action in sorted(RULES["1.6"].incoming)]
    return incoming + [(action, TO_CHARGER) for action in sorted(V16.actions)]


def message_rows(seen: Conformance) -> list[Row]:
    return [
        (action, direction, seen.result(tests), _named(tests, action))
        for action, direction in expected_messages()
        for tests in [seen.messages.get((action, direction), set())]
    ]


def case_rows(seen: Conformance) -> list[Row]:
    return [
        (
            str(number),
            CASES.get(number, NO_SUCH_CASE),
            seen.result(tests),
            OPEN.get(number, ""),
            _named(tests),
        )
        for number in sorted(CASES.keys() | seen.cases.keys())
        for tests in [seen.cases.get(number, set())]
    ]


def oca_rows(seen: Conformance) -> list[Row]:
    return [
        (f"TC_{number}", TEST_CASES.get(number, NO_SUCH_CASE), seen.result(tests), _named(tests))
        for number in sorted(TEST_CASES.keys() | seen.oca.keys())
        for tests in [seen.oca.get(number, set())]
    ]


def table(head: Row, rows: Sequence[Row]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def summary(rows: Sequence[Row], column: int) -> str:
    counted = Counter(row[column] for row in rows)
    return ", ".join(f"{count} {result}" for result, count in sorted(counted.items()))


def _named(tests: set[str], action: str = "") -> str:
    """One test by name, the one that is about `action` if there is one, and how many more."""
    if not tests:
        return ""
    first = min(tests, key=lambda name: ("::test_message_" not in name if action else 0, name))
    return first if len(tests) == 1 else f"{first} (+{len(tests) - 1})"
