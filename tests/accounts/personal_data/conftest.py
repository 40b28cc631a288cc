"""It is noon, and files go nowhere else."""

from pathlib import Path
from typing import Any

import pytest

from tests.accounts.personal_data.support import NOW


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> None:
    monkeypatch.setattr("csms.common.clock.now", lambda: NOW)
    settings.DATA_DIR = tmp_path
