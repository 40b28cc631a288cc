"""The numbers on the staff's dashboard, in two queries."""

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q

from accounts.selectors.scope import Caller
from chargepoints.domain.states import ConnectorStatus
from chargepoints.models import Connector
from chargepoints.selectors.stations import visible_to


@dataclass(frozen=True, slots=True)
class BoardNumbers:
    """A station is faulted if it, or one of its connectors, says so; that may be online or not."""

    stations: int
    online: int
    offline: int
    faulted: int
    connectors: int
    connectors_by_status: dict[str, int]


def board_numbers(caller: Caller) -> BoardNumbers:
    """Counts of what the caller may see; every status is named, also with none."""
    stations = visible_to(caller)
    faulted_connector = Connector.objects.filter(
        evse__station_id=OuterRef("pk"), status=ConnectorStatus.FAULTED.value
    )
    counted = stations.annotate(has_fault=Exists(faulted_connector)).aggregate(
        total=Count("pk"),
        online=Count("pk", filter=Q(is_online=True)),
        faulted=Count("pk", filter=Q(has_fault=True) | Q(status=ConnectorStatus.FAULTED.value)),
    )
    rows = (
        Connector.objects.filter(evse__station__in=stations)
        .order_by()
        .values_list("status")
        .annotate(number=Count("pk"))
    )
    by_status = {status.value: 0 for status in ConnectorStatus} | dict(rows)
    return BoardNumbers(
        stations=counted["total"],
        online=counted["online"],
        offline=counted["total"] - counted["online"],
        faulted=counted["faulted"],
        connectors=sum(by_status.values()),
        connectors_by_status=by_status,
    )
