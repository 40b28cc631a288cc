"""A provider on the loopback, and time as its keys see it."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.services.oidc import provider
from tests.api.oidc.support import Elapsed
from tests.support.account_messages import empty_outboxes
from tests.support.oidc_provider import Provider


@pytest.fixture
def line(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    running = Provider()
    settings.OIDC_PROVIDERS = {"line": running.facts()}
    settings.OIDC_TIMEOUT_SECONDS = 60  # however slow the machine
    monkeypatch.setattr(provider, "_stores", {})
    with empty_outboxes():
        yield running
    running.stop()


@pytest.fixture
def elapsed(monkeypatch: pytest.MonkeyPatch) -> Elapsed:
    return Elapsed(monkeypatch)
