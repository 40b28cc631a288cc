from django.urls import path

from payments.api import views

urlpatterns = [
    path("api/payment/cards", views.CardsView.as_view(), name="payment-cards"),
    path("api/payment/cards/<uuid:card_id>", views.CardView.as_view(), name="payment-card"),
    path(
        "api/payment/cards/<uuid:card_id>/default",
        views.DefaultCardView.as_view(),
        name="payment-card-default",
    ),
    path("api/payment/process", views.ProcessView.as_view(), name="payment-process"),
    path("api/payment/history", views.HistoryView.as_view(), name="payment-history"),
    path(
        "api/payment/3ds/return",
        views.ThreeDSecureReturnView.as_view(),
        name="payment-secure-return",
    ),
    path(
        "api/payment/omise/webhook", views.OmiseWebhookView.as_view(), name="payment-omise-webhook"
    ),
    path("api/wallet", views.WalletView.as_view(), name="wallet"),
    path("api/wallet/top-ups", views.TopUpsView.as_view(), name="wallet-top-ups"),
    path("api/promo-codes", views.PromoCodesView.as_view(), name="promo-codes"),
]
