"""A driver's vehicles, cards and consents."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import personal_examples as examples
from accounts.api import personal_representation as representation
from accounts.api import personal_serializers as forms
from accounts.api.callers import person_of
from accounts.domain.consents import Channel, Decision, Purpose
from accounts.selectors import consents as consent_rows
from accounts.selectors import id_tokens as id_token_rows
from accounts.selectors import vehicles as vehicle_rows
from accounts.services import consents, id_tokens, vehicles
from accounts.services.vehicles import VehicleData
from csms.common.api.addresses import client_address
from csms.common.api.examples import answered, cursor_page, page, sent
from csms.common.api.pagination import NewestFirstByTimeCursor
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import cursor_page_of, page_of
from csms.common.api.views import ApiView

DRIVER = Access(driver=True)


def _vehicle_data(given: dict[str, Any]) -> VehicleData:
    return VehicleData(**{name: value for name, value in given.items() if name != "is_default"})


class VehiclesView(ApiView):
    access: ClassVar = {"GET": DRIVER, "POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="vehicles_list",
        summary="My vehicles, the default first",
        tags=["driver"],
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.VehicleSerializer)},
        examples=[answered(page(examples.VEHICLE))],
    )
    def get(self, request: Request) -> Response:
        return self.page(request, vehicle_rows.visible_to(request.user), representation.vehicle)

    @extend_schema(
        operation_id="vehicles_create",
        summary="Add a vehicle",
        description="The first one is the default.",
        tags=["driver"],
        request=forms.VehicleInputSerializer,
        responses={201: forms.VehicleSerializer},
        examples=[sent(examples.VEHICLE_SENT), answered(examples.VEHICLE, 201)],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.VehicleInputSerializer, request.data)
        vehicle = vehicles.add(
            person_of(request), _vehicle_data(given), is_default=given["is_default"]
        )
        return Response(representation.vehicle(vehicle), status=201)


class VehicleView(ApiView):
    access: ClassVar = {"GET": DRIVER, "PUT": DRIVER, "DELETE": DRIVER}
    problem_statuses: ClassVar = {"PUT": (409,)}

    @extend_schema(
        operation_id="vehicles_retrieve",
        summary="One of my vehicles",
        tags=["driver"],
        responses={200: forms.VehicleSerializer},
        examples=[answered(examples.VEHICLE)],
    )
    def get(self, request: Request, vehicle_id: UUID) -> Response:
        return Response(representation.vehicle(vehicle_rows.find(request.user, vehicle_id)))

    @extend_schema(
        operation_id="vehicles_update",
        summary="Replace what is known of a vehicle",
        description="`is_default` false leaves the default as it is.",
        tags=["driver"],
        request=forms.VehicleInputSerializer,
        responses={200: forms.VehicleSerializer},
        examples=[sent(examples.VEHICLE_SENT), answered(examples.VEHICLE)],
    )
    def put(self, request: Request, vehicle_id: UUID) -> Response:
        vehicle_rows.find(request.user, vehicle_id)
        given = self.validated(forms.VehicleInputSerializer, request.data)
        vehicle = vehicles.change(
            person_of(request), vehicle_id, _vehicle_data(given), is_default=given["is_default"]
        )
        return Response(representation.vehicle(vehicle))

    @extend_schema(
        operation_id="vehicles_delete",
        summary="Remove a vehicle",
        description="If it was the default, the oldest of the others is from now on.",
        tags=["driver"],
        responses={204: None},
    )
    def delete(self, request: Request, vehicle_id: UUID) -> Response:
        vehicles.remove(person_of(request), vehicle_id)
        return Response(status=204)


class IdTokensView(ApiView):
    access: ClassVar = {"GET": DRIVER}

    @extend_schema(
        operation_id="id_tokens_list",
        summary="My cards and other tokens",
        tags=["driver"],
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.IdTokenSerializer)},
        examples=[answered(page(examples.ID_TOKEN))],
    )
    def get(self, request: Request) -> Response:
        return self.page(request, id_token_rows.of_driver(request.user), representation.id_token)


class LinkIdTokenView(ApiView):
    access: ClassVar = {"POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (409,)}

    @extend_schema(
        operation_id="id_tokens_link",
        summary="Link a card by the code that is printed on it",
        description="A code works once. After 5 wrong ones in 15 minutes, 20 in a day, or 20 in "
        "an hour from one address: 429. Unknown, used and blocked cards get the same answer.",
        tags=["driver"],
        request=forms.LinkCodeSerializer,
        responses={201: forms.IdTokenSerializer},
        examples=[sent({"code": "7K3F-XW9D-Q2MZ"}), answered(examples.ID_TOKEN, 201)],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.LinkCodeSerializer, request.data)
        driver = person_of(request)
        token = id_tokens.link(driver, given["code"], address=client_address(request._request))
        shown = representation.id_token(id_token_rows.find_own(driver, token.pk))
        return Response(shown, status=201)


class BlockIdTokenView(ApiView):
    access: ClassVar = {"POST": DRIVER}

    @extend_schema(
        operation_id="id_tokens_block",
        summary="Block a card that is lost",
        description="At once and for good: only the operator can undo it. Again: no change.",
        tags=["driver"],
        request=None,
        responses={200: forms.IdTokenSerializer},
        examples=[answered({**examples.ID_TOKEN, "status": "BLOCKED"})],
    )
    def post(self, request: Request, id_token_id: int) -> Response:
        return Response(representation.id_token(id_tokens.block(person_of(request), id_token_id)))


class ConsentsView(ApiView):
    access: ClassVar = {"GET": DRIVER, "POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (409,)}
    pagination_class = NewestFirstByTimeCursor

    @extend_schema(
        operation_id="consents_list",
        summary="What I agreed to and took back, newest first",
        tags=["driver"],
        parameters=[forms.ConsentQuerySerializer],
        responses={200: cursor_page_of(forms.ConsentSerializer)},
        examples=[answered(cursor_page(examples.CONSENT))],
    )
    def get(self, request: Request) -> Response:
        given = self.validated(forms.ConsentQuerySerializer, request.query_params.dict())
        records = consent_rows.visible_to(request.user)
        if given["current"]:
            records = consent_rows.newest(records)
        return self.page(request, records, representation.consent)

    @extend_schema(
        operation_id="consents_create",
        summary="Give or withdraw a consent",
        description="Nothing is overwritten. What holds already is not written twice. `TERMS` and "
        "`PRIVACY` cannot be withdrawn without closing the account: 409.",
        tags=["driver"],
        request=forms.ConsentInputSerializer,
        responses={201: forms.ConsentSerializer},
        examples=[
            sent({"purpose": "MARKETING", "decision": "GIVEN", "text_version": "2026-11"}),
            answered(examples.CONSENT, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.ConsentInputSerializer, request.data)
        record = consents.record(
            person_of(request),
            Purpose(given["purpose"]),
            Decision(given["decision"]),
            text_version=given["text_version"],
            channel=Channel(given["channel"]),
            address=client_address(request._request),
        )
        return Response(representation.consent(record), status=201)
