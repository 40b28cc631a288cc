"""Stations for everybody: lists, one, near a place, and whether its connectors are complete."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import actor_of
from accounts.selectors.scope import Caller, is_staff_like
from chargepoints.api import examples, representation
from chargepoints.api import serializers as forms
from chargepoints.api.filters import wanted_stations
from chargepoints.api.writing import change_station
from chargepoints.models import Station
from chargepoints.selectors.changes import changed_since, removed_since
from chargepoints.selectors.nearby import MOST_FOUND, nearby
from chargepoints.selectors.stations import (
    attach_evses,
    filtered,
    get_visible,
    identity_field,
    visible_to,
    with_places,
)
from chargepoints.services.archiving import archive_station
from csms.common.api.examples import answered, page, sent
from csms.common.api.pagination import PagePagination
from csms.common.api.permissions import Access
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView

LEGACY_LIMIT = 1000
# RFC 9745 and RFC 8594: since when, and until when it is promised to work.
LEGACY_HEADERS = {
    "Deprecation": "@1767225600",
    "Sunset": "Fri, 31 Dec 2027 23:59:59 GMT",
    "Link": '</api/chargepoints/>; rel="successor-version"',
}


def found_stations(caller: Caller, given: dict[str, Any]) -> QuerySet[Station]:
    rows = filtered(
        visible_to(caller),
        wanted_stations(given),
        given.get("ordering", ""),
        known_by=identity_field(caller),
    )
    return with_places(rows)


class StationListView(ApiView):
    access: ClassVar = {"GET": Access(public=True, scope="read")}
    public_seconds = 5

    @extend_schema(
        operation_id="chargepoints_list",
        summary="Stations",
        description="To keep a copy up to date, ask with `updated_since`: the `Date` of the answer "
        "that you have. A minute more is looked at, so that nothing falls between two answers.",
        tags=["chargepoints"],
        parameters=[forms.StationQuerySerializer],
        responses={200: forms.StationPageSerializer},
        examples=[answered(examples.STATION_PAGE)],
    )
    def get(self, request: Request) -> Response:
        given = self.validated(forms.StationQuerySerializer, request.query_params.dict())
        technical = is_staff_like(request.user)
        rows, since = found_stations(request.user, given), given.get("updated_since")
        if since is not None:
            rows = changed_since(rows, since)
        answer = self.page(
            request,
            rows,
            lambda row: representation.station(row, technical=technical),
            prepare=attach_evses,
        )
        answer.data["removed"] = None if since is None else removed_since(request.user, since)
        return answer


class LegacyStationListView(ApiView):
    access: ClassVar = {"GET": Access(public=True, scope="read")}
    public_seconds = 5

    @extend_schema(
        operation_id="chargepoints_list_legacy",
        summary="Stations, unpaged (deprecated)",
        description="At most 1,000 rows. Use `GET /api/chargepoints/`.",
        tags=["chargepoints"],
        deprecated=True,
        parameters=[forms.OrderedFilterSerializer],
        responses={200: forms.StationSerializer(many=True)},
        examples=[answered(examples.STATION)],
    )
    def get(self, request: Request) -> Response:
        given = self.validated(forms.OrderedFilterSerializer, request.query_params.dict())
        technical = is_staff_like(request.user)
        rows = list(found_stations(request.user, given)[:LEGACY_LIMIT])
        attach_evses(rows)
        shown = [representation.station(row, technical=technical) for row in rows]
        return Response(shown, headers=LEGACY_HEADERS)


class NearbyStationsView(ApiView):
    access: ClassVar = {"GET": Access(public=True, scope="read")}
    public_seconds = 5

    @extend_schema(
        operation_id="chargepoints_nearby",
        summary="Stations near a place, nearest first",
        description=f"Of more than {MOST_FOUND:,} the nearest so many.",
        tags=["chargepoints"],
        parameters=[forms.NearbyPageQuerySerializer],
        responses={200: page_of(forms.NearbyStationSerializer)},
        examples=[answered(page({**examples.STATION, "distance_km": 1.204}))],
    )
    def get(self, request: Request, latitude: str, longitude: str) -> Response:
        place = self.validated(
            forms.PlaceSerializer, {"latitude": latitude, "longitude": longitude}
        )
        given = self.validated(forms.NearbyPageQuerySerializer, request.query_params.dict())
        paginator = PagePagination()
        offset, limit = paginator.wanted_slice(request)
        found = nearby(
            request.user,
            place["latitude"],
            place["longitude"],
            given["radius_km"],
            wanted_stations(given),
            limit=limit,
            offset=offset,
        )
        # Only for the count and the links: the selector has cut the page already.
        paginator.paginate_queryset(range(found.total), request, view=self)
        technical = is_staff_like(request.user)
        return paginator.get_paginated_response(
            [
                representation.station(
                    row.station, technical=technical, distance_km=row.distance_km
                )
                for row in found.rows
            ]
        )


class StationDetailView(ApiView):
    """`tariffs_of` is given by the URLconf: tariffs belong to an app above this one."""

    access: ClassVar = {
        "GET": Access(public=True, scope="read"),
        "PUT": Access(staff="chargepoints.change_station", scope="operate"),
        "DELETE": Access(staff="chargepoints.change_station", scope="operate"),
    }
    problem_statuses: ClassVar = {"PUT": (409,), "DELETE": (409,)}
    public_seconds = 5
    tariffs_of: Callable[[Station], Sequence[dict[str, Any]]] | None = None

    @extend_schema(
        operation_id="chargepoints_retrieve",
        summary="One station with its EVSEs, connectors and tariffs",
        tags=["chargepoints"],
        responses={200: forms.StationDetailSerializer},
        examples=[answered(examples.STATION_DETAIL)],
    )
    def get(self, request: Request, identity: str) -> Response:
        return Response(self._shown(request, get_visible(request.user, identity)))

    @extend_schema(
        operation_id="chargepoints_update",
        summary="Change a station",
        description="What is left out stays as it is.",
        tags=["chargepoints"],
        request=forms.StationChangesSerializer,
        responses={200: forms.StationDetailSerializer},
        examples=[
            sent({"name": "Siam 1 (ground floor)", "security_profile": 2}),
            answered(examples.STATION_DETAIL),
        ],
    )
    def put(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.StationChangesSerializer, request.data)
        change_station(actor_of(request), station, given)
        return Response(self._shown(request, get_visible(request.user, identity)))

    @extend_schema(
        operation_id="chargepoints_delete",
        summary="Archive a station",
        description="It is gone for everybody; its history stays. Refused with `session_running` "
        "while somebody charges there, unless it has been offline for 10 minutes.",
        tags=["chargepoints"],
        responses={204: None},
    )
    def delete(self, request: Request, identity: str) -> Response:
        archive_station(get_visible(request.user, identity), actor=actor_of(request))
        return Response(status=204)

    def _shown(self, request: Request, station: Station) -> dict[str, Any]:
        technical = is_staff_like(request.user)
        tariffs = self.tariffs_of(station) if self.tariffs_of is not None else []
        return {**representation.station(station, technical=technical), "tariffs": tariffs}


class ConnectorCheckView(ApiView):
    access: ClassVar = {"GET": Access(public=True, scope="read")}
    public_seconds = 2

    @extend_schema(
        operation_id="chargepoints_check_connectors",
        summary="A station's connectors, their live status and what is missing",
        tags=["chargepoints"],
        responses={200: forms.ConnectorCheckSerializer},
        examples=[answered(examples.CHECK)],
    )
    def get(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        return Response(representation.check(station, technical=is_staff_like(request.user)))
