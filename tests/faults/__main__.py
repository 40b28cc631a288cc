"""`python -m tests.faults [pytest arguments]`: run all faults and print what came of each."""

import re
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from tests.faults.table import ELSEWHERE, FAULTS, NOT_BUILT

_NUMBER = re.compile(r"::test_T(\d+)_")
REMARK_LENGTH = 90


@dataclass
class Outcome:
    passed: int = 0
    missing: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def describe(self, not_built: str) -> tuple[str, str]:
        """The result in a word, and what there is to say of it."""
        if self.failed:
            return "FAIL", "; ".join(self.failed)
        if self.missing or (not_built and not self.passed):
            return "NOT BUILT", "; ".join([*self.missing, *filter(None, [not_built])])
        if not self.passed:
            return "NOT RUN", "; ".join(sorted(set(self.skipped))) or "no test ran"
        remarks = [f"{self.passed} tests" if self.passed > 1 else "1 test"]
        if self.skipped:
            remarks.append(f"{len(self.skipped)} skipped: {self.skipped[0]}")
        return "PASS", "; ".join(remarks)


class Table:
    """A pytest plugin that sorts what it hears by fault."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = defaultdict(Outcome)

    @staticmethod
    def faults_of(node: str) -> set[int]:
        named = _NUMBER.search(node)
        elsewhere = {
            number
            for number, tests in ELSEWHERE.items()
            if any(node == test or node.startswith((f"{test}[", f"{test}::")) for test in tests)
        }
        return elsewhere | ({int(named[1])} if named else set())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for number in self.faults_of(report.nodeid):
            self._note(self.outcomes[number], report)

    @staticmethod
    def _note(outcome: Outcome, report: pytest.TestReport) -> None:
        name = report.nodeid.rsplit("::", 1)[-1]
        if hasattr(report, "wasxfail"):
            outcome.missing.append(str(report.wasxfail).removeprefix("reason: "))
        elif report.failed:
            outcome.failed.append(f"{name} ({report.when})")
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            outcome.skipped.append(reason.removeprefix("Skipped: "))
        elif report.when == "call":
            outcome.passed += 1

    def rows(self) -> list[tuple[str, str, str, str]]:
        found = []
        for number, title in FAULTS.items():
            result, remark = self.outcomes[number].describe(NOT_BUILT.get(number, ""))
            found.append((f"T{number}", title, result, remark))
        return found


def main() -> int:
    began = time.monotonic()
    table = Table()
    elsewhere = sorted({test for tests in ELSEWHERE.values() for test in tests})
    arguments = ["-q", "--tb=short", "--show-capture=no", "-m", "", "tests/faults", *elsewhere]
    status = pytest.main([*arguments, *sys.argv[1:]], plugins=[table])
    rows = table.rows()
    lines = [
        "",
        *(f"{row[0]:<4} {row[1]:<40} {row[2]:<10} {row[3][:REMARK_LENGTH]}" for row in rows),
    ]
    lines.append(f"\nTook {time.monotonic() - began:.0f} s.\n")
    sys.stdout.write("\n".join(lines))
    is_clean = status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    return 0 if is_clean and not {row[2] for row in rows} & {"FAIL", "NOT RUN"} else 1


if __name__ == "__main__":
    sys.exit(main())
