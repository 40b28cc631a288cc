"""Paying: every path of the app is here and checks what it is given.

Until payments are taken what would move money answers 409 `payments_not_available`; nothing is
stored, nothing is called paid.
"""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import person_of
from csms.common.api.examples import answered, cursor_page, page, sent
from csms.common.api.idempotent import IDEMPOTENCY_KEY, answer_once
from csms.common.api.pagination import NewestFirstCursor
from csms.common.api.permissions import Access
from csms.common.api.queries import CursorQuerySerializer, PageQuerySerializer
from csms.common.api.schema import cursor_page_of, page_of
from csms.common.api.throttling import WebhookThrottle
from csms.common.api.views import ApiView
from payments.api import serializers as forms
from payments.models import PaymentMethod
from payments.selectors import payment_methods as card_rows
from payments.services import payment_methods, refusals

DRIVER = Access(driver=True)
TAGS = ["payments"]
NOT_YET = "Answers 409 `payments_not_available` as long as payments are not taken here."
CARD = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f06",
    "brand": "Visa",
    "last_digits": "4242",
    "expiry_month": 12,
    "expiry_year": 2030,
    "is_default": True,
    "created_at": "2026-11-20T05:00:00Z",
}
PAYMENT = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f07",
    "kind": "PAYMENT",
    "method": "PROMPTPAY",
    "amount": "191.25",
    "currency": "THB",
    "session_id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f08",
    "at": "2026-11-20T05:00:00Z",
}
PROMO_CODE = {"code": "SONGKRAN", "name": "10 % off", "valid_until": None}


def _shown_card(row: PaymentMethod) -> dict[str, Any]:
    return {
        "id": row.pk,
        "brand": row.brand,
        "last_digits": row.last_digits,
        "expiry_month": row.expiry_month,
        "expiry_year": row.expiry_year,
        "is_default": row.is_default,
        "created_at": row.created_at,
    }


class CardsView(ApiView):
    access: ClassVar = {"GET": DRIVER, "POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (409, 422)}

    @extend_schema(
        operation_id="payment_cards_list",
        summary="My cards, the default first",
        tags=TAGS,
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.CardSerializer)},
        examples=[answered(page(CARD))],
    )
    def get(self, request: Request) -> Response:
        return self.page(request, card_rows.visible_to(request.user), _shown_card)

    @extend_schema(
        operation_id="payment_cards_create",
        summary="Add a card by the provider's token",
        description=NOT_YET,
        tags=TAGS,
        parameters=[IDEMPOTENCY_KEY],
        request=forms.CardInputSerializer,
        responses={201: forms.CardSerializer},
        examples=[sent({"token": "tokn_test_5fzbq8a7lkz3k4t1x2y"}), answered(CARD, 201)],
    )
    def post(self, request: Request) -> Response:
        self.validated(forms.CardInputSerializer, request.data)
        return answer_once(request, refusals.refuse)


class CardView(ApiView):
    access: ClassVar = {"DELETE": DRIVER}

    @extend_schema(
        operation_id="payment_cards_delete",
        summary="Remove a card",
        description="If it was the default, none is.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, card_id: UUID) -> Response:
        payment_methods.remove(person_of(request), card_id)
        return Response(status=204)


class DefaultCardView(ApiView):
    access: ClassVar = {"PUT": DRIVER}

    @extend_schema(
        operation_id="payment_cards_set_default",
        summary="Pay with this card unless another is named",
        tags=TAGS,
        request=None,
        responses={200: forms.CardSerializer},
        examples=[answered(CARD)],
    )
    def put(self, request: Request, card_id: UUID) -> Response:
        return Response(_shown_card(payment_methods.choose_default(person_of(request), card_id)))


class ProcessView(ApiView):
    access: ClassVar = {"POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (404, 409, 422)}

    @extend_schema(
        operation_id="payment_process",
        summary="Pay a session that has ended",
        description=f"The price is the session's, whatever `amount` says. {NOT_YET}",
        tags=TAGS,
        parameters=[IDEMPOTENCY_KEY],
        request=forms.PaymentInputSerializer,
        responses={202: forms.PaymentSerializer},
        examples=[
            sent({"session_id": PAYMENT["session_id"], "method": "PROMPTPAY", "amount": "191.25"}),
            answered(PAYMENT, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.PaymentInputSerializer, request.data)
        driver = person_of(request)
        return answer_once(
            request,
            lambda: refusals.refuse_payment(
                driver, given["session_id"], amount=given["amount"], card_id=given["card_id"]
            ),
        )


class HistoryView(ApiView):
    access: ClassVar = {"GET": DRIVER}
    problem_statuses: ClassVar = {"GET": (409,)}
    pagination_class = NewestFirstCursor

    @extend_schema(
        operation_id="payment_history",
        summary="My payments, refunds and top-ups, newest first",
        description=NOT_YET,
        tags=TAGS,
        parameters=[CursorQuerySerializer],
        responses={200: cursor_page_of(forms.PaymentSerializer)},
        examples=[answered(cursor_page(PAYMENT))],
    )
    def get(self, request: Request) -> Response:
        refusals.refuse()


class WalletView(ApiView):
    access: ClassVar = {"GET": DRIVER}
    problem_statuses: ClassVar = {"GET": (409,)}

    @extend_schema(
        operation_id="wallet_retrieve",
        summary="What is in my wallet",
        description=NOT_YET,
        tags=TAGS,
        responses={200: forms.WalletSerializer},
        examples=[answered({"balance": "250.00", "currency": "THB"})],
    )
    def get(self, request: Request) -> Response:
        refusals.refuse()


class TopUpsView(ApiView):
    access: ClassVar = {"POST": DRIVER}
    problem_statuses: ClassVar = {"POST": (404, 409, 422)}

    @extend_schema(
        operation_id="wallet_top_up",
        summary="Fill my wallet",
        description=NOT_YET,
        tags=TAGS,
        parameters=[IDEMPOTENCY_KEY],
        request=forms.TopUpSerializer,
        responses={202: forms.PaymentSerializer},
        examples=[
            sent({"amount": "500.00", "method": "PROMPTPAY"}),
            answered({**PAYMENT, "kind": "TOP_UP", "session_id": None, "amount": "500.00"}, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.TopUpSerializer, request.data)
        if given["card_id"] is not None:
            card_rows.find(request.user, given["card_id"])
        return answer_once(request, refusals.refuse)


class PromoCodesView(ApiView):
    access: ClassVar = {"GET": DRIVER}
    problem_statuses: ClassVar = {"GET": (409,)}

    @extend_schema(
        operation_id="promo_codes_list",
        summary="Promo codes that I may use",
        description=NOT_YET,
        tags=TAGS,
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.PromoCodeSerializer)},
        examples=[answered(page(PROMO_CODE))],
    )
    def get(self, request: Request) -> Response:
        refusals.refuse()


class ThreeDSecureReturnView(ApiView):
    access: ClassVar = {"GET": Access(public=True)}
    authentication_classes = ()
    problem_statuses: ClassVar = {"GET": (409,)}

    @extend_schema(
        operation_id="payment_secure_return",
        summary="Where the bank sends the browser back to",
        description=f"Coming here proves nothing: the provider is asked. {NOT_YET}",
        tags=TAGS,
        parameters=[forms.ReturnQuerySerializer],
        responses={302: None},
    )
    def get(self, request: Request) -> Response:
        self.validated(forms.ReturnQuerySerializer, request.query_params.dict())
        refusals.refuse()


class OmiseWebhookView(ApiView):
    access: ClassVar = {"POST": Access(public=True)}
    authentication_classes = ()
    throttle_classes = (WebhookThrottle,)
    parser_classes = ()

    @extend_schema(
        operation_id="payment_omise_webhook",
        summary="What the payment provider reports",
        description="503 `webhook_not_configured` as long as no provider is set up: it is not "
        "read, not stored, and so not acknowledged.",
        tags=TAGS,
        request=OpenApiTypes.OBJECT,
        responses={204: None},
        examples=[sent({"object": "event", "id": "evnt_test_5fz", "key": "charge.complete"})],
    )
    def post(self, request: Request) -> Response:
        raise refusals.WebhookNotConfigured
