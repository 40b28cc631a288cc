"""`python -m tests.faults [pytest options]`: run all faults and print what came of each.

Tests that start no servers run beside the others, in a second interpreter with a database of its
own: one after the other all of them take too long.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.faults.scale import SCALE
from tests.faults.table import ELSEWHERE, FAULTS, NOT_BUILT, STARTING_SERVERS, WITHOUT_PROCESSES

_NUMBER = re.compile(r"::test_T(\d+)_")
REMARK_LENGTH = 90
# On two quiet cores. On others nothing fails for it, but it is said.
BUDGET_SECONDS = 1_200
PYTEST_ARGUMENTS = ("-q", "--tb=short", "--show-capture=no", "-m", "")
BESIDE = "--beside"


@dataclass
class Outcome:
    passed: int = 0
    seconds: float = 0.0
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
        if not_built:
            return "PART", "; ".join([*remarks, f"missing: {not_built}"])
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
        outcome.seconds += report.duration
        if hasattr(report, "wasxfail"):
            outcome.missing.append(str(report.wasxfail).removeprefix("reason: "))
        elif report.failed:
            outcome.failed.append(f"{name} ({report.when})")
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            outcome.skipped.append(reason.removeprefix("Skipped: "))
        elif report.when == "call":
            outcome.passed += 1

    def add(self, outcomes: dict[str, dict[str, Any]]) -> None:
        """Those of another run, by number."""
        for number, found in outcomes.items():
            outcome = self.outcomes[int(number)]
            for name, value in found.items():
                setattr(outcome, name, getattr(outcome, name) + value)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        found = []
        for number, title in FAULTS.items():
            outcome = self.outcomes[number]
            result, remark = outcome.describe(NOT_BUILT.get(number, ""))
            found.append((f"T{number}", title, result, f"{outcome.seconds:.0f} s", remark))
        return found


class Beside:
    """The tests that start no servers, in another interpreter."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self._outcomes, self._log = folder / "outcomes.json", folder / "pytest.log"
        suffix = os.environ.get("TEST_SUFFIX", "")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults", BESIDE, str(self._outcomes), *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "TEST_SUFFIX": f"{suffix}_beside",
                    "REDIS_URL": another_redis_database(os.environ.get("REDIS_URL", "")),
                },
            )

    def join(self, table: Table) -> int:
        """Wait, show what it printed, and add its outcomes; its exit code."""
        status = self._process.wait()
        sys.stdout.write(f"\nBeside:\n{self._log.read_text(errors='replace')}")
        if self._outcomes.exists():
            table.add(json.loads(self._outcomes.read_text()))
        return status

    def end(self) -> None:
        if self._process.poll() is None:
            # As from the keyboard: pytest takes down what its tests have started.
            self._process.send_signal(signal.SIGINT)
            self._process.wait()


def another_redis_database(url: str) -> str:
    """A neighbour of `url`'s, never 0: tests empty what they use."""
    if not url:
        return ""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{number - 1 if number > 1 else number + 1}"))


def elsewhere() -> tuple[list[str], list[str]]:
    """The tests of other folders: those that start servers, and those that do not."""
    tests = sorted({test for tests in ELSEWHERE.values() for test in tests})
    first = [test for test in tests if test.startswith(STARTING_SERVERS)]
    return first, [test for test in tests if test not in first]


def run_beside(outcomes: Path, arguments: list[str]) -> int:
    table = Table()
    _first, beside = elsewhere()
    status = pytest.main(
        [*PYTEST_ARGUMENTS, *WITHOUT_PROCESSES, *beside, *arguments], plugins=[table]
    )
    found = {number: asdict(outcome) for number, outcome in table.outcomes.items()}
    outcomes.write_text(json.dumps(found))
    return int(status)


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == [BESIDE]:
        return run_beside(Path(arguments[1]), arguments[2:])
    paths = [given for given in arguments if Path(given.partition("::")[0]).exists()]
    if paths:
        sys.stderr.write(f"Options only, no tests: {' '.join(paths)}. -k chooses by name.\n")
        return 2
    began = time.monotonic()
    table = Table()
    with tempfile.TemporaryDirectory(prefix="csms-faults-") as folder:
        beside = Beside(Path(folder), arguments)
        try:
            ignored = [f"--ignore={path}" for path in WITHOUT_PROCESSES]
            status = pytest.main(
                [*PYTEST_ARGUMENTS, *ignored, "tests/faults", *elsewhere()[0], *arguments],
                plugins=[table],
            )
            statuses = {int(status), beside.join(table)}
        finally:
            beside.end()
    rows = table.rows()
    lines = [
        "",
        *(
            f"{number:<4} {title:<40} {result:<10} {took:>6}  {remark[:REMARK_LENGTH]}"
            for number, title, result, took, remark in rows
        ),
    ]
    took = time.monotonic() - began
    late = "" if took <= BUDGET_SECONDS else f" That is over the budget of {BUDGET_SECONDS} s."
    lines.append(f"\nTook {took:.0f} s.{late}")
    lines.append(
        "" if SCALE == 1 else f"At {SCALE:.0%} of the full numbers, so no proof of those.\n"
    )
    sys.stdout.write("\n".join(lines))
    is_clean = statuses <= {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    return 0 if is_clean and not {row[2] for row in rows} & {"FAIL", "NOT RUN"} else 1


if __name__ == "__main__":
    sys.exit(main())
