"""Fixtures that every test may use. Rows to start from: `tests.support.factories`."""

import os
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from tests.support import backends

_facts: dict[str, str] = {}
_browser_tests: dict[str, int] = {"passed": 0, "failed": 0, "skipped": 0}


def pytest_sessionstart(session: pytest.Session) -> None:
    backends.refuse_unless_promised()


def pytest_report_header(config: pytest.Config) -> str:
    return backends.describe()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _facts:
        terminalreporter.write_line(f"Tests ran on {_facts['database']}.")
    if any(_browser_tests.values()):
        counted = ", ".join(f"{count} {outcome}" for outcome, count in _browser_tests.items())
        terminalreporter.write_line(f"Browser tests: {counted}.")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "browser" in report.keywords and (report.when == "call" or report.skipped):
        _browser_tests[report.outcome] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where a browser was promised, a skipped browser test is a failure."""
    skipped = _browser_tests["skipped"]
    if os.environ.get("REQUIRE_BROWSER") == "1" and skipped and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """pytest-django's set-up, then ask the database itself what it is: settings can be wrong."""
    with django_db_blocker.unblock():
        _facts["database"] = backends.database_version()
    if os.environ.get("REQUIRE_POSTGRESQL") == "1":
        assert _facts["database"].startswith("postgresql"), _facts["database"]


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
