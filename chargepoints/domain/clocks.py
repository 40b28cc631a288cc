"""When something really happened, if a charger's clock may be wrong."""

from datetime import datetime, timedelta

# A clock may run ahead by this much before its word counts for nothing.
TOLERATED_LEAD = timedelta(minutes=5)
# Chargers buffer while they are offline; anything older is a clock that was never set.
TOLERATED_AGE = timedelta(days=30)


def is_plausible(reported_at: datetime, received_at: datetime) -> bool:
    return received_at - TOLERATED_AGE <= reported_at <= received_at + TOLERATED_LEAD


def effective_time(reported_at: datetime | None, received_at: datetime) -> datetime:
    """The charger's own time where it is plausible, never later than ours; else ours."""
    if reported_at is None or not is_plausible(reported_at, received_at):
        return received_at
    return min(reported_at, received_at)
