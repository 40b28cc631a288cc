"""Which station a charger says it is."""

from chargepoints.models import Station
from csms.common.rows import columns, fetch_all, instance

# Written out, because 5,000 chargers may come back at once and building it costs more than running
# it.
_BY_IDENTITY = """
FROM chargepoints_station AS station
JOIN chargepoints_site AS site ON site.id = station.site_id
WHERE LOWER(station.identity) = %s AND station.archived_at IS NULL
"""


def by_identity(identity: str) -> tuple[Station, int] | None:
    """The station that is not archived, without regard to case, and its operator's key."""
    statement = f"SELECT site.operator_id, {columns(Station, 'station')} {_BY_IDENTITY}"
    found = fetch_all(statement, [identity.lower()])
    if not found:
        return None
    operator_id, *row = found[0]
    return instance(Station, row), operator_id
