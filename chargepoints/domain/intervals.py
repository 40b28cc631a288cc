"""Intervals that chargers are told, spread so that they do not all come back in one second."""

# Multiples of the golden ratio, modulo one, leave no gap and no heap among stations in a row.
_GOLDEN = 2_654_435_769
_MODULUS = 2**32
SPREAD = 0.1


def spread(interval_seconds: int, station_id: int) -> int:
    """`interval_seconds` within ten per cent, always the same for a station; at least 1."""
    share = station_id * _GOLDEN % _MODULUS / _MODULUS
    return max(1, round(interval_seconds * (1 - SPREAD + 2 * SPREAD * share)))
