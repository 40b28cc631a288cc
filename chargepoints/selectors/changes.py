"""What an app that keeps a copy of the stations has to read again."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.selectors.scope import Caller, closed_operators_of, is_staff_like, within_scope
from chargepoints.models import ConnectorStatusEvent, Station
from chargepoints.selectors.stations import identity_field

# A row's time is taken before its transaction is seen by others.
OVERLAP = timedelta(minutes=1)
# More than that, and reading everything anew is the shorter way.
MOST_REMOVED = 1_000


def changed_since(stations: QuerySet[Station], moment: datetime) -> QuerySet[Station]:
    """Those of `stations` with a change since a minute before `moment`.

    A change: of the station, its site or its operator by people, of its being online, a status that
    one of its connectors reported, an added connector. Not: that it was heard, what charging costs.
    """
    since = moment - OVERLAP
    reported = ConnectorStatusEvent.objects.filter(
        station_id=OuterRef("pk"), received_at__gte=since
    )
    return stations.filter(
        Q(updated_at__gte=since)
        | Q(site__updated_at__gte=since)
        | Q(site__operator__updated_at__gte=since)
        | Exists(reported)
    )


def removed_since(caller: Caller, moment: datetime) -> list[str] | None:
    """Identities, as the caller knows them, of what is out of the caller's sight since `moment`.

    Archived stations and those of operators that were closed; for the public also those of sites
    that were. None: too many to list.
    """
    since = moment - OVERLAP
    archived = Q(archived_at__gte=since)
    operator_changed = Q(site__operator__updated_at__gte=since)
    if is_staff_like(caller):
        closed = Q(site__operator__in=closed_operators_of(caller)) & operator_changed
        gone = (within_scope(caller, "site__operator") & archived) | closed
    else:
        closed = Q(site__operator__is_active=False) & operator_changed
        gone = archived | closed | Q(site__is_active=False, site__updated_at__gte=since)
    known_by = identity_field(caller)
    found = Station.objects.filter(gone).order_by("pk").values_list(known_by, flat=True)
    identities = list(found[: MOST_REMOVED + 1])
    return identities if len(identities) <= MOST_REMOVED else None
