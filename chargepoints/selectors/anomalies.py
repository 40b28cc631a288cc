"""In what the chargers of a vendor deviate."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Max, Sum

from accounts.selectors.scope import Caller, within_scope
from chargepoints.models import StationAnomaly

MOST_ROWS = 500
LOCAL_TIME = "clock_is_local_time"


class Deviation(NamedTuple):
    """One kind of deviation of one vendor, model and firmware, as the chargers report them.

    `detail` is that of one of the stations.
    """

    vendor: str
    model: str
    firmware: str
    kind: str
    stations: int
    total: int
    last_at: datetime
    detail: str

    @property
    def is_thai_time(self) -> bool:
        """Whether a quirk profile with the zone of Bangkok would correct it."""
        return self.kind == LOCAL_TIME and "UTC+07:00" in self.detail


def by_device(caller: Caller) -> list[Deviation]:
    """Of the caller's stations, the most frequent first, at most `MOST_ROWS`; one query."""
    rows = (
        StationAnomaly.objects.filter(
            within_scope(caller, "station__site__operator"), station__archived_at__isnull=True
        )
        .order_by()
        .values_list("station__vendor", "station__model", "station__firmware_version", "kind")
        .annotate(
            stations=Count("station_id"),
            total=Sum("count"),
            last_at=Max("last_at"),
            detail=Max("detail"),
        )
        .order_by("-total", "station__vendor", "station__model", "kind")
    )
    return [Deviation(*row) for row in rows[:MOST_ROWS]]
