"""How much of the full numbers to run: FAULTS_SCALE=0.1 for a machine that is busy otherwise."""

import os

SCALE = float(os.environ.get("FAULTS_SCALE", "1"))


def scaled(count: int, multiple_of: int = 1) -> int:
    """`count` at this run's scale, rounded up to a multiple of `multiple_of`."""
    return max(1, -(-int(count * SCALE) // multiple_of)) * multiple_of
