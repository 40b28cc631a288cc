"""The one place that asks what time it is, so that tests can say so."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

BANGKOK = ZoneInfo("Asia/Bangkok")


def now() -> datetime:
    """The current time, aware, in UTC."""
    return timezone.now()


def business_day(moment: datetime) -> date:
    """The day in Asia/Bangkok that `moment` falls on."""
    return moment.astimezone(BANGKOK).date()
