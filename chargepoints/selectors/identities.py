"""Which station a charger says it is, and how that one deviates from OCPP."""

from typing import NamedTuple

from chargepoints.domain.quirks import Quirks
from chargepoints.models import QuirkProfile, Station
from csms.common.rows import columns, fetch_all, instance, width

# Written out, because 5,000 chargers may come back at once and building it costs more than running
# it.
_BY_IDENTITY = """
FROM chargepoints_station AS station
JOIN chargepoints_site AS site ON site.id = station.site_id
LEFT JOIN chargepoints_quirkprofile AS profile
    ON profile.id = COALESCE(station.quirk_profile_id, station.matched_profile_id)
    AND profile.is_active
WHERE LOWER(station.identity) = %s AND station.archived_at IS NULL
"""


class Identified(NamedTuple):
    """`quirks` None: the station has no profile."""

    station: Station
    operator_id: int
    quirks: Quirks | None


def by_identity(identity: str) -> Identified | None:
    """The station that is not archived, without regard to case."""
    wanted = f"{columns(Station, 'station')}, {columns(QuirkProfile, 'profile')}"
    found = fetch_all(f"SELECT site.operator_id, {wanted} {_BY_IDENTITY}", [identity.lower()])
    if not found:
        return None
    operator_id, *row = found[0]
    profile_at = width(Station)
    profile = row[profile_at:]
    return Identified(
        instance(Station, row[:profile_at]),
        operator_id,
        None if profile[0] is None else instance(QuirkProfile, profile).quirks,
    )
