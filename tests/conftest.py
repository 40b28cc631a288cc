"""Fixtures that every test may use. Rows to start from: `tests.support.factories`."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from tests.support import backends
from tests.support.flushing import cheap_flush

_facts: dict[str, str] = {}
# What some tests need: the variable that promises it, and what became of these tests.
_promises = {"browser": "REQUIRE_BROWSER", "nginx": "REQUIRE_NGINX"}
_outcomes: dict[str, Counter[str]] = {marker: Counter() for marker in _promises}


def pytest_sessionstart(session: pytest.Session) -> None:
    backends.refuse_unless_promised()


def pytest_report_header(config: pytest.Config) -> str:
    return backends.describe()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _facts:
        terminalreporter.write_line(f"Tests ran on {_facts['database']}.")
    for marker, outcomes in _outcomes.items():
        if outcomes:
            counted = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
            terminalreporter.write_line(f"Tests with {marker}: {counted}.")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.skipped:
        for marker, outcomes in _outcomes.items():
            if marker in report.keywords:
                outcomes[report.outcome] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where a browser or nginx was promised, a skipped test that needs it is a failure."""
    broken = [
        marker
        for marker, variable in _promises.items()
        if os.environ.get(variable) == "1" and _outcomes[marker]["skipped"]
    ]
    if broken and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """pytest-django's set-up, then ask the database itself what it is: settings can be wrong."""
    with django_db_blocker.unblock():
        _facts["database"] = backends.database_version()
    if os.environ.get("REQUIRE_POSTGRESQL") == "1":
        assert _facts["database"].startswith("postgresql"), _facts["database"]
    with cheap_flush():
        yield


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Throttles and lockouts of one test must not reach the next."""
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _default_language() -> Iterator[None]:
    """A request leaves its language active in the thread; the next test starts without."""
    yield
    translation.deactivate()
