"""A clock that goes when it is told to."""

from datetime import UTC, datetime, timedelta

import pytest

from csms.common import clock


class MovingClock:
    """Stands at the present moment until `forward`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = datetime.now(UTC)
        monkeypatch.setattr(clock, "now", lambda: self.at)

    def forward(self, **duration: float) -> None:
        self.at += timedelta(**duration)
