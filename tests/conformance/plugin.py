"""A pytest plugin that chooses the tests named after cases and sees what is spoken in them."""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_gateway import dispatch
from ocpp_gateway.station_socket import StationSocket

NAMED_AFTER_A_CASE = re.compile(r"test_case_(\d+(?:_and_\d+)*)_")
NAMED_AFTER_OCA = re.compile(r"test_TC_(\d{3}(?:_\d)?)_(?!\d)")
NAMED_AFTER_MESSAGES = re.compile(r"test_message_")
FROM_CHARGER, TO_CHARGER = "from charger", "to charger"
Exchange = tuple[str, str]


def cases_of(name: str) -> list[int]:
    """The case numbers in a test function's name, none if it is named after something else."""
    match = NAMED_AFTER_A_CASE.match(name)
    return [int(number) for number in match[1].split("_and_")] if match else []


def oca_number_of(name: str) -> str:
    """The Open Charge Alliance's number in a test function's name, empty if there is none."""
    match = NAMED_AFTER_OCA.match(name)
    return match[1] if match else ""


class Conformance:
    """Which test showed what, and which tests failed. A test's parameters count as one test.

    A message counts for a test if it crossed a real socket in it and was answered: a request of
    the charger with a CALLRESULT of ours, a request of ours with a CALLRESULT of the charger.
    """

    def __init__(self) -> None:
        self.cases: dict[int, set[str]] = defaultdict(set)
        self.oca: dict[str, set[str]] = defaultdict(set)
        self.messages: dict[Exchange, set[str]] = defaultdict(set)
        self.failed: set[str] = set()
        self.skipped: set[str] = set()
        self.passed: set[str] = set()
        self._running = ""
        self._undo: list[Callable[[], None]] = []

    # --- choosing

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        chosen: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            name = getattr(item, "originalname", None) or item.name
            numbers = cases_of(name)
            for number in numbers:
                self.cases[number].add(label(item.nodeid))
            test_case = oca_number_of(name)
            if test_case:
                self.oca[test_case].add(label(item.nodeid))
            is_chosen = bool(numbers or test_case or NAMED_AFTER_MESSAGES.match(name))
            (chosen if is_chosen else others).append(item)
        items[:] = chosen
        config.hook.pytest_deselected(items=others)

    # --- seeing

    def pytest_sessionstart(self) -> None:
        handle, answer = dispatch.handle, StationSocket._answer

        async def seen_handle(socket: StationSocket, call: Any, row: Any) -> str:
            reply = await handle(socket, call, row)
            self.messages[call.action, FROM_CHARGER].add(self._running)
            return reply

        async def seen_answer(socket: StationSocket, received: Any, text: str, at: Any) -> None:
            if received.action and text.lstrip().startswith("[3"):
                self.messages[received.action, TO_CHARGER].add(self._running)
            await answer(socket, received, text, at)

        patch = pytest.MonkeyPatch()
        patch.setattr(dispatch, "handle", seen_handle)
        patch.setattr(StationSocket, "_answer", seen_answer)
        self._undo.append(patch.undo)

    def pytest_sessionfinish(self) -> None:
        while self._undo:
            self._undo.pop()()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running = label(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = label(report.nodeid)
        if report.failed:
            self.failed.add(name)
        elif report.skipped:
            self.skipped.add(name)
        elif report.when == "call":
            self.passed.add(name)

    # --- telling

    def result(self, tests: set[str]) -> str:
        """`failed` if any failed, `passed` if any ran, else `skipped`; `none` without a test."""
        if not tests:
            return "none"
        if tests & self.failed:
            return "failed"
        return "passed" if tests & self.passed else "skipped"


def label(nodeid: str) -> str:
    """`tests/ocpp_gateway/test_wire.py::test_x[1]` as `test_wire::test_x`."""
    path, _, name = nodeid.split("[", 1)[0].partition("::")
    module = path.rsplit("/", 1)[-1].removesuffix(".py")
    return f"{module}::{name.rsplit('::', 1)[-1]}"
