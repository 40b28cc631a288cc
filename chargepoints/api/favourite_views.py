"""A driver's favourite stations, with their live status."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import person_of
from chargepoints.api import examples, representation
from chargepoints.api import serializers as forms
from chargepoints.selectors import favourites as favourite_rows
from chargepoints.services import favourites
from csms.common.api.examples import answered, page
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView

DRIVER = Access(driver=True)


class FavouritesView(ApiView):
    access: ClassVar = {"GET": DRIVER}

    @extend_schema(
        operation_id="favourites_list",
        summary="My favourite stations, the newest first, with their status now",
        tags=["driver"],
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.FavouriteStationSerializer)},
        examples=[answered(page(examples.STATION))],
    )
    def get(self, request: Request) -> Response:
        return self.page(
            request,
            favourite_rows.of_driver(request.user),
            lambda row: representation.station(row.station, technical=False),
        )


class FavouriteView(ApiView):
    access: ClassVar = {"PUT": DRIVER, "DELETE": DRIVER}
    problem_statuses: ClassVar = {"PUT": (409,)}

    @extend_schema(
        operation_id="favourites_add",
        summary="Keep a station at hand",
        description="Again: no change.",
        tags=["driver"],
        request=None,
        responses={200: forms.StationSerializer},
        examples=[answered(examples.STATION)],
    )
    def put(self, request: Request, identity: str) -> Response:
        station = favourites.add(person_of(request), identity)
        return Response(representation.station(station, technical=False))

    @extend_schema(
        operation_id="favourites_remove",
        summary="Keep a station at hand no more",
        description="Again: no change.",
        tags=["driver"],
        responses={204: None},
    )
    def delete(self, request: Request, identity: str) -> Response:
        favourites.remove(person_of(request), identity)
        return Response(status=204)
