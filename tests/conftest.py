"""Fixtures that every test may use. Rows to start from: `tests.support.factories`."""

import os
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django.plugin import DjangoDbBlocker

from tests.support import backends

_facts: dict[str, str] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    backends.refuse_unless_promised()


def pytest_report_header(config: pytest.Config) -> str:
    return backends.describe()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _facts:
        terminalreporter.write_line(f"Tests ran on {_facts['database']}.")


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
