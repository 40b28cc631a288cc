"""Whether a charger's clock is to be believed.

A time counts if it is not more than five minutes ahead of ours and not more than 90 days behind
(a charger may have been offline). Otherwise our receive time counts for money.
"""

from datetime import datetime, timedelta

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(days=90)


def is_plausible(charger_time: datetime, received_at: datetime) -> bool:
    return received_at - MAX_BEHIND <= charger_time <= received_at + MAX_AHEAD


def counting_time(charger_time: datetime, received_at: datetime) -> datetime:
    """The charger's time if it is plausible, ours otherwise."""
    return charger_time if is_plausible(charger_time, received_at) else received_at
