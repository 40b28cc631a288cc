"""Whether a driver may start at a connector, as a rule over what is known of it."""

from enum import StrEnum

from chargepoints.domain.states import ConnectorStatus

# Occupied (2.x) and Preparing: the car is plugged in and waits for its driver. Unknown: the charger
# has not said yet, and refuses for itself what it cannot do.
_STARTABLE = frozenset(
    {
        ConnectorStatus.AVAILABLE,
        ConnectorStatus.PREPARING,
        ConnectorStatus.OCCUPIED,
        ConnectorStatus.FINISHING,
        ConnectorStatus.RESERVED,
        ConnectorStatus.UNKNOWN,
    }
)


class Obstacle(StrEnum):
    """Why nobody, or not this driver, can start at a connector now."""

    STATION_OFFLINE = "station_offline"
    CONNECTOR_UNAVAILABLE = "connector_unavailable"
    CONNECTOR_IN_USE = "connector_in_use"
    CONNECTOR_RESERVED = "connector_reserved"


def obstacle_of(
    *,
    is_online: bool,
    status: ConnectorStatus,
    is_in_use: bool,
    is_reserved_for_another: bool,
    is_reserved_for_driver: bool,
) -> Obstacle | None:
    """`is_in_use`: a session that is not over. A connector that says Reserved is for its holder."""
    if not is_online:
        return Obstacle.STATION_OFFLINE
    if is_in_use:
        return Obstacle.CONNECTOR_IN_USE
    if is_reserved_for_another:
        return Obstacle.CONNECTOR_RESERVED
    if status is ConnectorStatus.RESERVED and not is_reserved_for_driver:
        return Obstacle.CONNECTOR_RESERVED
    return None if status in _STARTABLE else Obstacle.CONNECTOR_UNAVAILABLE
