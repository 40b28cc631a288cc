"""Where a session probably runs whose start did not say it."""

from django.db.models import Exists, OuterRef

from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Connector
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session

_FIRST_PLACE = (1, 1)
_WITH_A_CAR = frozenset(
    {
        ConnectorStatus.PREPARING,
        ConnectorStatus.OCCUPIED,
        ConnectorStatus.CHARGING,
        ConnectorStatus.SUSPENDED_EV,
        ConnectorStatus.SUSPENDED_EVSE,
    }
)


def likeliest_place(station_id: int) -> tuple[int, int]:
    """EVSE and connector number: one without an open session, one with a car, then by number."""
    open_here = Session.objects.filter(
        connector_id=OuterRef("pk"), state__in=sorted(OPEN_SESSION_STATES)
    )
    connectors = (
        Connector.objects.filter(evse__station_id=station_id)
        .annotate(is_taken=Exists(open_here))
        .select_related("evse")
    )
    found = min(
        connectors,
        key=lambda c: (
            c.is_taken,
            c.status not in _WITH_A_CAR,
            c.evse.evse_id,
            c.connector_id,
        ),
        default=None,
    )
    return _FIRST_PLACE if found is None else (found.evse.evse_id, found.connector_id)
