"""A driver's reservations."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import person_of
from csms.common.api.examples import answered, cursor_page, sent
from csms.common.api.idempotent import IDEMPOTENCY_KEY, answer_once
from csms.common.api.pagination import NewestFirstCursor
from csms.common.api.permissions import Access
from csms.common.api.queries import CursorQuerySerializer
from csms.common.api.schema import cursor_page_of
from csms.common.api.views import ApiView
from transactions.api import driver_serializers as forms
from transactions.api import examples, representation
from transactions.api.driver_views import place_of
from transactions.selectors import reservations
from transactions.selectors.availability import connector_at
from transactions.services.driver_reservations import give_back, reserve

DRIVER = Access(driver=True)


class ReservationsView(ApiView):
    access: ClassVar = {"GET": DRIVER, "POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (404, 409, 422)}
    pagination_class = NewestFirstCursor

    @extend_schema(
        operation_id="reservations_list",
        summary="The driver's reservations, newest first",
        tags=["reservations"],
        parameters=[CursorQuerySerializer],
        responses={200: cursor_page_of(forms.ReservationSerializer)},
        examples=[answered(cursor_page(examples.RESERVATION))],
    )
    def get(self, request: Request) -> Response:
        rows = reservations.of_driver(person_of(request))
        return self.page(request, rows, representation.reservation)

    @extend_schema(
        operation_id="reservations_create",
        summary="Ask a charger to keep a connector free",
        description="REQUESTED until the charger has answered, then ACTIVE or REJECTED. Only the "
        "driver's app can start there meanwhile.",
        tags=["reservations"],
        parameters=[IDEMPOTENCY_KEY],
        request=forms.NewReservationSerializer,
        responses={202: forms.ReservationSerializer},
        examples=[
            sent({"public_code": "K7M2Q9X", "expires_at": "2026-11-20T11:10:00+07:00"}),
            answered(examples.RESERVATION, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        driver = person_of(request)
        given = self.validated(forms.NewReservationSerializer, request.data)
        connector = connector_at(driver, place_of(given))

        def ask() -> tuple[int, Any]:
            made = reserve(driver, connector, given["expires_at"])
            return 202, representation.reservation(reservations.find(driver, made.public_id))

        return answer_once(request, ask)


class ReservationView(ApiView):
    access: ClassVar = {"GET": DRIVER, "DELETE": DRIVER}
    problem_statuses: ClassVar = {"DELETE": (409,)}

    @extend_schema(
        operation_id="reservations_retrieve",
        summary="A reservation",
        tags=["reservations"],
        responses={200: forms.ReservationSerializer},
        examples=[answered(examples.RESERVATION)],
    )
    def get(self, request: Request, reservation_id: UUID) -> Response:
        found = reservations.find(person_of(request), reservation_id)
        return Response(representation.reservation(found))

    @extend_schema(
        operation_id="reservations_cancel",
        summary="Give a reserved place back",
        description="CANCELLED once the charger has agreed. One that is over stays as it is.",
        tags=["reservations"],
        responses={202: forms.ReservationSerializer},
        examples=[answered(examples.RESERVATION, 202)],
    )
    def delete(self, request: Request, reservation_id: UUID) -> Response:
        driver = person_of(request)
        give_back(reservations.find(driver, reservation_id), driver)
        found = reservations.find(driver, reservation_id)
        return Response(representation.reservation(found), status=202)
