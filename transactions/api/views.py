"""Sessions, prices and the question whether a token may charge."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import actor_of
from accounts.models import User
from accounts.selectors.scope import is_staff_like
from chargepoints.api.examples import TARIFF
from chargepoints.models import Evse, Station
from chargepoints.selectors.stations import get_visible
from csms.common import clock
from csms.common.api.examples import answered, cursor_page, sent
from csms.common.api.pagination import NewestFirstCursor
from csms.common.api.permissions import Access
from csms.common.api.schema import cursor_page_of
from csms.common.api.views import ApiView
from csms.common.errors import FieldError, InvalidInput
from transactions.api import examples, representation
from transactions.api import serializers as forms
from transactions.domain.windows import HolidayRule, Window
from transactions.models import Session, Tariff
from transactions.selectors import sessions
from transactions.selectors import tariffs as tariff_rows
from transactions.selectors.session_filters import filtered
from transactions.services import tariffs
from transactions.services.asking import may_driver_charge, may_token_charge

ListOfSession = Callable[[Session], Sequence[dict[str, Any]]]


class SummaryView(ApiView):
    """`payments_of` and `documents_of` are given by the URLconf: they belong to apps above."""

    access: ClassVar = {"GET": Access(signed_in=True, scope="read")}
    payments_of: ListOfSession | None = None
    documents_of: ListOfSession | None = None

    @extend_schema(
        operation_id="transactions_summary",
        summary="A session: energy, time, curve, cost lines, tax",
        description="While it runs, `energy_wh`, `duration_seconds` and `power_w` are those of "
        "now, `is_final` is false, and `price_so_far` is what it would cost if it ended now.",
        tags=["transactions"],
        responses={200: forms.SessionSummarySerializer},
        examples=[answered(examples.SUMMARY)],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        session = sessions.find(request.user, session_id)
        found = representation.summary(
            sessions.summary(session, clock.now()), technical=is_staff_like(request.user)
        )
        payments = self.payments_of(session) if self.payments_of is not None else []
        documents = self.documents_of(session) if self.documents_of is not None else []
        return Response({**found, "payments": payments, "documents": documents})


class ServiceTransactionView(SummaryView):
    access: ClassVar = {"GET": Access(staff="transactions.view_session", scope="read")}

    @extend_schema(
        operation_id="service_transactions_retrieve",
        summary="A session",
        tags=["partners"],
        responses={200: forms.SessionSummarySerializer},
        examples=[answered(examples.SUMMARY)],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        return super().get(request, session_id)


class ServiceTransactionsView(ApiView):
    access: ClassVar = {"GET": Access(staff="transactions.view_session", scope="read")}
    pagination_class = NewestFirstCursor

    @extend_schema(
        operation_id="service_transactions_list",
        summary="Sessions, newest first",
        tags=["partners"],
        parameters=[forms.SessionQuerySerializer],
        responses={200: cursor_page_of(forms.SessionSerializer)},
        examples=[answered(cursor_page(examples.SESSION))],
    )
    def get(self, request: Request) -> Response:
        given = self.validated(forms.SessionQuerySerializer, request.query_params.dict())
        rows = sessions.with_places(sessions.visible_to(request.user))
        rows = filtered(rows, **given)
        return self.page(request, rows, lambda row: representation.session(row, technical=True))


class AuthorizeView(ApiView):
    access: ClassVar = {"POST": Access(driver=True, scope="gateway")}
    problem_statuses: ClassVar = {"POST": (404,)}

    @extend_schema(
        operation_id="transactions_authorize",
        summary="May this driver, or this id token, charge here?",
        description="A driver's token that is not the caller's is `Invalid`, like one that nobody "
        "has.",
        tags=["transactions"],
        request=forms.AuthorizationQuestionSerializer,
        responses={200: forms.AuthorizationAnswerSerializer},
        examples=[
            sent({"identity": "TH-BKK-0001", "id_token": "CARD0001", "evse_id": 1}),
            sent({"identity": "TH-BKK-0001", "evse_id": 1}, "A driver"),
            answered(
                {
                    "allowed": True,
                    "status": "Accepted",
                    "expires_at": None,
                    "group": "",
                    "obstacle": None,
                }
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.AuthorizationQuestionSerializer, request.data)
        station = get_visible(request.user, given["identity"])
        caller = request.user
        if isinstance(caller, User):
            found = may_driver_charge(
                caller, station, given["id_token"], given["evse_id"], clock.now()
            )
        else:
            found = may_token_charge(station, given["id_token"], given["evse_id"], clock.now())
        return Response(
            {
                "allowed": found.is_allowed,
                "status": found.status.value,
                "expires_at": found.expires_at,
                "group": found.group,
                "obstacle": found.obstacle,
            }
        )


class PricingView(ApiView):
    access: ClassVar = {"PUT": Access(staff="transactions.add_tariffassignment")}
    problem_statuses: ClassVar = {"PUT": (409,)}

    @extend_schema(
        operation_id="chargepoints_pricing",
        summary="Let a tariff apply at a station or one of its EVSEs",
        description="From `effective_from` on; running sessions keep the price that they began "
        "with. With `version` the tariff gets new prices from the same moment; a tariff that does "
        "not exist yet is made under its `name`.",
        tags=["chargepoints"],
        request=forms.PricingSerializer,
        responses={200: forms.PricingAnswerSerializer},
        examples=[
            sent({"tariff": 5, "effective_from": "2027-01-01T00:00:00+07:00"}),
            sent(
                {
                    "name": "Time of use",
                    "version": {
                        "price_per_kwh": "6.00",
                        "windows": [
                            {
                                "name": "Peak",
                                "weekdays": [1, 2, 3, 4, 5],
                                "starts_at": "09:00",
                                "ends_at": "22:00",
                                "holidays": "NEVER",
                                "price_per_kwh": "7.70",
                            }
                        ],
                    },
                },
                name="A new tariff",
            ),
            answered(
                {
                    "identity": "TH-BKK-0001",
                    "effective_from": "2026-12-31T17:00:00Z",
                    "tariffs": [{"evse_id": 1, "tariff": TARIFF}],
                }
            ),
        ],
    )
    def put(self, request: Request, identity: str) -> Response:
        station = get_visible(request.user, identity)
        given = self.validated(forms.PricingSerializer, request.data)
        place = _place(station, given["evse_id"])
        effective_from = given["effective_from"] or clock.now()
        with transaction.atomic():
            tariff = _tariff(request, station, given)
            if given["version"] is not None:
                _new_version(request, tariff, given["version"], effective_from)
            tariffs.assign(tariff, place, actor=actor_of(request), effective_from=effective_from)
        return Response(
            {
                "identity": station.identity,
                "effective_from": effective_from,
                "tariffs": representation.tariffs_of(station, effective_from),
            }
        )


def _tariff(request: Request, station: Station, given: dict[str, Any]) -> Tariff:
    """The tariff by id, or by name under the station's operator; a new one needs its prices."""
    if (given["tariff"] is None) == (given["name"] is None):
        text = _("Give either the id of a tariff or a name.")
        raise InvalidInput(text, errors=[FieldError("tariff", "required", text)])
    visible = tariff_rows.visible_to(request.user)
    operator = station.site.operator
    if given["tariff"] is not None:
        found = visible.filter(pk=given["tariff"]).first()
        if found is None:
            raise _no_such("tariff", _("There is no such tariff."))
        return found
    found = visible.filter(operator=operator, name=given["name"]).first()
    if found is None and given["version"] is None:
        text = _("There is no tariff of this name yet: say what it costs.")
        raise InvalidInput(text, errors=[FieldError("version", "required", text)])
    return found or tariffs.tariff_named(operator, given["name"])


def _place(station: Station, evse_id: int | None) -> Station | Evse:
    if evse_id is None:
        return station
    for evse in station.evses.all():
        if evse.evse_id == evse_id:
            return evse
    raise _no_such("evse_id", _("The station has no such EVSE."))


def _no_such(field: str, text: str) -> InvalidInput:
    return InvalidInput(text, errors=[FieldError(field, "does_not_exist", text)])


def _new_version(request: Request, tariff: Tariff, given: dict[str, Any], at: Any) -> None:
    fields = dict(given)
    windows = [
        Window(
            name=one["name"],
            weekdays=frozenset(one["weekdays"]),
            starts_at=one["starts_at"],
            ends_at=one["ends_at"],
            price_per_kwh=one["price_per_kwh"],
            holidays=HolidayRule(one["holidays"]),
            priority=priority,
        )
        for priority, one in enumerate(fields.pop("windows"))
    ]
    tariffs.create_version(
        tariff, actor=actor_of(request), effective_from=at, windows=windows, **fields
    )
