"""Every charger is an open file: the process takes as many as it may have."""

import subprocess
import sys
from pathlib import Path

CODE = """
import resource
from csms.file_limit import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
print(raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_limit_of_open_files_is_raised_and_said_if_it_is_low() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "300 (300, 300)" in done.stdout
    assert "open_files_are_few" in done.stdout
