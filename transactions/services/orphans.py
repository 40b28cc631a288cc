"""Stops that were kept because no session was known that they end."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from transactions.domain import kept
from transactions.domain.inputs import SessionStop
from transactions.locks import lock_session
from transactions.models import ReviewItem
from transactions.models.review import ORPHAN_KINDS
from transactions.selectors.stop_candidates import crossed_by_stops, fitting_stops, session_meant
from transactions.services.stops import end_by_stop, is_waiting, note_match
from transactions.services.sweeping import each_session

# A start that comes after its stop comes soon after it; older ones are a person's.
_LIMIT = 50


def end_by_kept_stop(session_id: int, at: datetime, *, prices: bool) -> bool:
    """End a session that was just stored if its stop came before its start (case 48).

    Only if exactly one kept stop fits it, and that fits no other session of the station. Raises
    `PricingFailed`, unless `prices` is False.
    """
    session = lock_session(session_id)
    items, stops = _kept_stops(session.station_id)
    places = fitting_stops(session, stops)
    if len(places) != 1 or not is_waiting(session):
        return False
    stop, item = stops[places[0]], items[places[0]]
    if session_meant(session.station_id, stop) != session.pk:
        return False
    attached = ReviewItem.objects.filter(pk=item.pk, resolved_at__isnull=True).update(
        resolved_at=at, resolution=f"Its start came: session {session.pk}.", session=session
    )
    if not attached:
        return False
    note_match(session, stop, at)
    end_by_stop(session, replace(stop, received_at=max(stop.received_at, at)), prices=prices)
    return True


def end_crossed(at: datetime) -> int:
    """End the sessions whose stop was kept at the moment at which their start was stored.

    Over two sockets neither of the two sees the other, before both are committed. Returns how many.
    """
    return each_session(crossed_by_stops(at), partial(end_by_kept_stop, at=at))


def _kept_stops(station_id: int) -> tuple[list[ReviewItem], list[SessionStop]]:
    """The station's unresolved orphans, each with the stop that it keeps."""
    items: list[ReviewItem] = []
    stops: list[SessionStop] = []
    found = ReviewItem.objects.filter(
        station_id=station_id, kind__in=ORPHAN_KINDS, resolved_at__isnull=True
    ).order_by("-received_at")
    for item in found[:_LIMIT]:
        stop = kept.from_json(item.raw, item.received_at)
        if stop is not None:
            items.append(item)
            stops.append(stop)
    return items, stops
