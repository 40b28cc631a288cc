"""What a driver does with a session: create, start, watch, stop, look back, pay."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import person_of
from accounts.selectors.scope import is_staff_like
from chargepoints.selectors.stations import identity_field
from csms.common import clock
from csms.common.api.etags import conditional
from csms.common.api.examples import answered, cursor_page, sent
from csms.common.api.idempotent import IDEMPOTENCY_KEY, answer_once
from csms.common.api.pagination import NewestFirstCursor
from csms.common.api.permissions import Access
from csms.common.api.problems import MEDIA_TYPE
from csms.common.api.schema import cursor_page_of
from csms.common.api.streamed_csv import CsvChoice, is_csv_wanted, streamed_csv
from csms.common.api.tickets import EXAMPLE as TICKET
from csms.common.api.tickets import LiveTicketSerializer, live_ticket
from csms.common.api.views import ApiView
from csms.common.errors import Conflict
from transactions.api import driver_serializers as forms
from transactions.api import examples, representation
from transactions.api.history import COLUMNS, history_rows
from transactions.api.serializers import SessionSerializer
from transactions.domain.states import SessionState
from transactions.selectors import sessions
from transactions.selectors.availability import Place, connector_at
from transactions.selectors.live import LiveSessions
from transactions.selectors.session_filters import filtered
from transactions.services.driver_sessions import PriceChanged, PriceShown, create_session
from transactions.services.remote_control import request_start, request_stop

SIGNED_IN = Access(signed_in=True)
OWN_OR_STAFF = Access(driver=True, staff="transactions.view_session")
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The `ETag` that is known already."
)
ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 304])


def place_of(given: dict[str, Any]) -> Place:
    return Place(
        public_code=given.get("public_code", ""),
        identity=given.get("identity", ""),
        connector_id=given["connector_id"],
        evse_id=given["evse_id"],
    )


def price_shown(given: dict[str, Any]) -> PriceShown:
    return PriceShown(
        names_version="tariff_version_id" in given,
        version_id=given.get("tariff_version_id"),
        price_per_kwh=given.get("price_per_kwh"),
    )


class SessionsView(ApiView):
    access: ClassVar = {"POST": Access(driver=True)}
    problem_statuses: ClassVar = {"POST": (404, 409, 422)}

    @extend_schema(
        operation_id="transactions_create",
        summary="Create a session for a connector",
        description="At the price that the driver was shown: if another applies by now, the answer "
        "is 409 `price_changed` with the new one. The session is PENDING until it is started, and "
        "closed at `expires_at`. Asked for again, it is the same session (200).",
        tags=["charging"],
        parameters=[IDEMPOTENCY_KEY],
        request=forms.NewSessionSerializer,
        responses={
            200: forms.CreatedSessionSerializer,
            201: forms.CreatedSessionSerializer,
            (409, MEDIA_TYPE): forms.PriceChangedSerializer,
        },
        examples=[
            sent({"public_code": "K7M2Q9X", "tariff_version_id": 12}),
            sent(
                {"identity": "TH-BKK-0001", "connector_id": 1, "price_per_kwh": "7.50"},
                "By station and price",
            ),
            answered(examples.PENDING),
            answered(examples.PENDING, 201),
            answered(examples.PRICE_CHANGED, 409, media_type=MEDIA_TYPE),
        ],
    )
    def post(self, request: Request) -> Response:
        driver = person_of(request)
        given = self.validated(forms.NewSessionSerializer, request.data)
        connector = connector_at(driver, place_of(given))

        def create() -> tuple[int, Any]:
            try:
                found = create_session(driver, connector, price_shown(given))
            except PriceChanged as error:
                offer = error.offer
                tariff = None if offer.version is None else representation.tariff(offer.version)
                error.members = {"tariff": tariff, "price_per_kwh": offer.price_per_kwh}
                raise
            session = sessions.find(driver, found.session.public_id)
            shown = representation.created(session, session.tariff_version)
            return (201 if found.is_new else 200), shown

        return answer_once(request, create)


class StartView(ApiView):
    access: ClassVar = {"POST": Access(driver=True)}
    problem_statuses: ClassVar = {"POST": (400, 409, 422)}

    @extend_schema(
        operation_id="transactions_start",
        summary="Ask the charger to begin a session",
        description="The answer comes at once; `start_request` is the command in the outbox. What "
        "becomes of it shows in the session: ACTIVE, or FAILED with `failure`. Asked for again, it "
        "is the same command.",
        tags=["charging"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: forms.ChargerAskedSerializer},
        examples=[answered(examples.STARTING, 202)],
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        driver = person_of(request)
        session = sessions.find(driver, session_id)

        def start() -> tuple[int, Any]:
            return 202, representation.started(request_start(session, driver))

        return answer_once(request, start)


class StopView(ApiView):
    access: ClassVar = {"POST": Access(driver=True, staff="chargepoints.add_command")}
    problem_statuses: ClassVar = {"POST": (409, 422)}

    @extend_schema(
        operation_id="transactions_stop",
        summary="Ask the charger to end a session",
        description="By the number that the charger knows the session by. Asked for again, it is "
        "the same command. A session that has not begun is cancelled.",
        tags=["charging"],
        parameters=[IDEMPOTENCY_KEY],
        request=forms.StopSerializer,
        responses={202: forms.ChargerAskedSerializer},
        examples=[sent({"reason": "The driver called."}), answered(examples.STOPPING, 202)],
    )
    def post(self, request: Request, ocpp_transaction_id: str) -> Response:
        caller = person_of(request)
        session = sessions.find_transaction(caller, ocpp_transaction_id)
        given = self.validated(forms.StopSerializer, request.data)

        def stop() -> tuple[int, Any]:
            return 202, representation.started(request_stop(session, caller, given["reason"]))

        return answer_once(request, stop)


class LiveView(ApiView):
    access: ClassVar = {"GET": SIGNED_IN}

    @extend_schema(
        operation_id="transactions_live",
        summary="A session now, for apps that cannot hold a WebSocket",
        description="Ask every few seconds with `If-None-Match`: 304 while nothing has changed. "
        "The same as the live feed sends.",
        tags=["charging"],
        parameters=[IF_NONE_MATCH, ETAG],
        responses={200: forms.LiveSessionSerializer, 304: None},
        examples=[answered(examples.LIVE)],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        session = sessions.find(request.user, session_id)
        found = LiveSessions().look([session.pk], clock.now())
        return conditional(request, Response(representation.live(found[session.pk])))


class SessionTicketView(ApiView):
    access: ClassVar = {"POST": SIGNED_IN}

    @extend_schema(
        operation_id="transactions_live_ticket",
        summary="The address of a session's live feed",
        description="With a ticket that opens it once within a minute. A client that comes back "
        "appends `&last_event_id=` with the latest `id` that it was sent.",
        tags=["charging"],
        request=None,
        responses={201: LiveTicketSerializer},
        examples=[answered(TICKET, 201)],
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        session = sessions.find(request.user, session_id)
        feed = f"session:{session.public_id}:{get_language() or settings.LANGUAGE_CODE}"
        return Response(live_ticket(request, feed), status=201)


class HistoryView(ApiView):
    access: ClassVar = {"GET": OWN_OR_STAFF}
    renderer_classes = CsvChoice
    pagination_class = NewestFirstCursor

    @extend_schema(
        operation_id="transactions_history",
        summary="A driver's sessions, newest first",
        description="Staff see those at their operators' stations. `Accept: text/csv` gives all of "
        "them as one file that spreadsheets open.",
        tags=["charging"],
        parameters=[forms.HistoryQuerySerializer],
        responses={200: cursor_page_of(SessionSerializer), (200, "text/csv"): str},
        examples=[answered(cursor_page(examples.SESSION))],
    )
    def get(self, request: Request, user_id: int) -> Any:
        rows = sessions.history_of(request.user, user_id)
        given = self.validated(forms.HistoryQuerySerializer, request.query_params.dict())
        rows = filtered(
            rows,
            identity=given.get("station", ""),
            state=given.get("state", ""),
            since=given.get("from"),
            until=given.get("to"),
            counts_unstarted=True,
            known_by=identity_field(request.user),
        )
        technical = is_staff_like(request.user)
        if is_csv_wanted(request):
            table = history_rows(rows, technical=technical)
            return streamed_csv("sessions.csv", COLUMNS, table)
        return self.page(
            request, rows, lambda row: representation.session(row, technical=technical)
        )


class PaymentView(ApiView):
    access: ClassVar = {"POST": Access(driver=True)}
    problem_statuses: ClassVar = {"POST": (409, 422)}

    @extend_schema(
        operation_id="transactions_payment",
        summary="Pay an ended session",
        description="Not possible yet: 409 `payments_not_available`, after the other conflicts "
        "(`session_not_ended`, `session_not_priced`, `session_held`).",
        tags=["charging"],
        parameters=[IDEMPOTENCY_KEY],
        request=forms.PaymentRequestSerializer,
        responses={202: forms.PaymentAnswerSerializer},
        examples=[
            sent({"method": "PROMPTPAY"}),
            answered({"session_id": examples.SESSION["id"], "state": "PENDING"}, 202),
        ],
    )
    def post(self, request: Request, session_id: UUID) -> Response:
        session = sessions.find(person_of(request), session_id)
        self.validated(forms.PaymentRequestSerializer, request.data)

        def pay() -> tuple[int, Any]:
            if session.state != SessionState.ENDED:
                raise Conflict(_("The session has not ended yet."), code="session_not_ended")
            if session.priced_at is None:
                raise Conflict(_("The session has no price yet."), code="session_not_priced")
            if session.is_held:
                raise Conflict(
                    _("The session is looked at by a person first."), code="session_held"
                )
            raise Conflict(_("Payments are not available yet."), code="payments_not_available")

        return answer_once(request, pay)
