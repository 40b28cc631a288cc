"""What the side bar counts and what the search palette (Ctrl-K) finds."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from accounts.models import IdToken, User
from chargepoints.models import Alert, Station
from chargepoints.selectors.alerts import STATES
from csms.console.audience import in_scope
from transactions.models import ReviewItem, Session

RESULTS_PER_KIND = 8
BADGE_LIMIT = 100


def open_review_items(request: HttpRequest) -> str:
    """How many odd sessions wait for a person; counted up to a limit, empty for none."""
    items = in_scope(ReviewItem.objects.all(), request.user, "station__site__operator")
    return _badge(items.filter(resolved_at__isnull=True))


def open_alerts(request: HttpRequest) -> str:
    """How many alerts nobody has acknowledged yet; counted up to a limit, empty for none."""
    alerts = in_scope(Alert.objects.all(), request.user, "station__site__operator")
    return _badge(alerts.filter(STATES["open"]))


def _badge(rows: QuerySet[Any]) -> str:
    count = rows[:BADGE_LIMIT].count()
    if count >= BADGE_LIMIT:
        return f"{BADGE_LIMIT - 1}+"
    return str(count) if count else ""


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Stations by identity, name, serial number; sessions by id or card; within the scope."""
    if not isinstance(request.user, User):
        return []
    term = term.strip()
    if len(term) < 2:
        return []
    return [*_stations(request.user, term), *_sessions(request.user, term)]


def _stations(user: User, term: str) -> list[SearchResult]:
    stations = in_scope(
        Station.objects.filter(archived_at__isnull=True), user, "site__operator"
    ).filter(
        Q(identity__istartswith=term)
        | Q(name__icontains=term)
        | Q(serial_number__istartswith=term)
        | Q(evses__public_code__iexact=term)
    )
    return [
        SearchResult(
            title=station.identity,
            description=f"{_('Station')} · {station.name or station.site.name}",
            link=reverse("admin:console_station", args=[station.pk]),
            icon="ev_station",
        )
        for station in stations.select_related("site").distinct()[:RESULTS_PER_KIND]
    ]


def _sessions(user: User, term: str) -> list[SearchResult]:
    wanted = Q(id_token__in=IdToken.objects.filter(token__iexact=term))
    if term.isdigit() and len(term) < 18:
        wanted |= Q(pk=int(term))
    elif (public_id := _as_uuid(term)) is not None:
        wanted = Q(public_id=public_id)
    sessions = in_scope(Session.objects.filter(wanted), user, "station__site__operator")
    return [
        SearchResult(
            title=f"#{session.pk}",
            description=f"{_('Session')} · {session.station.identity}",
            link=reverse("admin:console_session", args=[session.public_id]),
            icon="bolt",
        )
        for session in sessions.select_related("station").order_by("-id")[:RESULTS_PER_KIND]
    ]


def _as_uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None
