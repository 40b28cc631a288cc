"""The one place that asks what time it is, so that tests can say so."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

BANGKOK = ZoneInfo("Asia/Bangkok")


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def business_day(moment: datetime) -> date:
    """The day in Asia/Bangkok that `moment` falls on."""
    return moment.astimezone(BANGKOK).date()
