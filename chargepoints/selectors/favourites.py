from django.db.models import Prefetch, QuerySet

from accounts.models import User
from accounts.selectors.scope import Caller
from chargepoints.models import Favourite, Station
from chargepoints.selectors.stations import visible_to, with_details


def of_driver(caller: Caller) -> QuerySet[Favourite]:
    """The caller's favourites, newest first; one whose station is not public any more is left out.

    With stations, EVSEs and connectors, in the same number of queries however many there are.
    """
    if not isinstance(caller, User):
        return Favourite.objects.none()
    stations: QuerySet[Station] = visible_to(caller)
    return (
        Favourite.objects.filter(user=caller, station__in=stations.values("pk"))
        .prefetch_related(Prefetch("station", queryset=with_details(stations)))
        .order_by("-id")
    )
