"""What may be seen of the gateway: who is connected, and what was said."""

from datetime import datetime, timedelta

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


# How far around a moment frames have to do with it, and how many of them a person reads.
_AROUND = timedelta(minutes=2)
_MOST_AROUND = 40


def messages_around(station_id: int, at: datetime) -> list[Message]:
    """Return the frames just before and after `at`, oldest first. The caller may see the station.

    Of many the nearest before and the nearest after.
    """
    found = Message.objects.filter(station_id=station_id)
    before = found.filter(at__gte=at - _AROUND, at__lte=at).order_by("-at", "-id")
    after = found.filter(at__gt=at, at__lte=at + _AROUND).order_by("at", "id")
    half = _MOST_AROUND // 2
    return [*reversed(before[:half]), *after[:half]]


def messages_of(station: Station) -> QuerySet[Message]:
    """Return the station's archived frames, newest first. The caller has found the station."""
    return Message.objects.filter(station_id=station.pk).order_by("-at", "-id")
