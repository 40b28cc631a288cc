"""From the query of a request to the filters of the selectors."""

from decimal import Decimal
from typing import Any

from chargepoints.selectors.stations import StationFilters


def wanted_stations(given: dict[str, Any]) -> StationFilters:
    power = given.get("min_power_kw")
    return StationFilters(
        status=given.get("status", ""),
        connector_type=given.get("connector_type", ""),
        min_power_kw=None if power is None else Decimal(str(power)),
        available=given.get("available"),
        q=given.get("q", ""),
        site=given.get("site", ""),
        operator=given.get("operator", ""),
    )
