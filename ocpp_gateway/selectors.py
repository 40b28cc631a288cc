"""What may be seen of the gateway: who is connected, and what was said."""

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.selectors.scope import Caller, within_scope
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Station
from ocpp_gateway.models import Message, StationConnection


def connections_visible_to(caller: Caller) -> QuerySet[StationConnection]:
    """Return the open connections of the caller's stations, with station and node.

    `in_flight` is the OCPP action of the request that waits for the charger's answer, or None.
    """
    in_flight = Command.objects.filter(
        station_id=OuterRef("station_id"), status=CommandStatus.SENT
    ).order_by("-sent_at")
    return (
        StationConnection.objects.filter(within_scope(caller, "station__site__operator"))
        .filter(closed_at__isnull=True, station__archived_at__isnull=True)
        .select_related("station__site", "node")
        .annotate(in_flight=Subquery(in_flight.values("action")[:1]))
        .order_by("station__identity")
    )


def messages_of(station: Station) -> QuerySet[Message]:
    """Return the station's archived frames, newest first. The caller has found the station."""
    return Message.objects.filter(station_id=station.pk).order_by("-at", "-id")
