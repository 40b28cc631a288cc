"""When something really happened, if a charger's clock may be wrong."""

from datetime import datetime, timedelta

# A clock may run ahead by this much before its word counts for nothing.
TOLERATED_LEAD = timedelta(minutes=5)
# Chargers buffer while they are offline; anything older is a clock that was never set.
TOLERATED_AGE = timedelta(days=30)

# Zones differ from UTC by whole half hours and by no more than 14 hours (three odd ones aside).
ZONE_STEP = timedelta(minutes=30)
LARGEST_ZONE = timedelta(hours=14)
# A message is seconds on its way, and few clocks are wrong by more beside their zone.
TOLERATED_DRIFT = timedelta(minutes=3)


def half_hours_ahead(reported_at: datetime, received_at: datetime) -> int:
    """By how many half hours a clock is ahead that shows the local time as UTC; 0 if it does not.

    Only ahead, that is east of Greenwich: a message from the past may have waited.
    """
    ahead = reported_at - received_at
    steps = round(ahead / ZONE_STEP)
    if (
        not 0 < steps <= LARGEST_ZONE // ZONE_STEP
        or abs(ahead - steps * ZONE_STEP) > TOLERATED_DRIFT
    ):
        return 0
    return steps


def is_plausible(reported_at: datetime, received_at: datetime) -> bool:
    return received_at - TOLERATED_AGE <= reported_at <= received_at + TOLERATED_LEAD


def effective_time(reported_at: datetime | None, received_at: datetime) -> datetime:
    """The charger's own time where it is plausible, never later than ours; else ours."""
    if reported_at is None or not is_plausible(reported_at, received_at):
        return received_at
    return min(reported_at, received_at)
