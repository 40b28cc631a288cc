from django.urls import path

from csms.common.api import converters  # noqa: F401  (registers the identity's form)
from transactions.api import driver_views, reservation_views, tariff_views, views

urlpatterns = [
    path("api/transactions/", driver_views.SessionsView.as_view(), name="transactions"),
    path(
        "api/transactions/<uuid:session_id>/start",
        driver_views.StartView.as_view(),
        name="transaction-start",
    ),
    path(
        "api/transactions/ocpp/<str:ocpp_transaction_id>/stop",
        driver_views.StopView.as_view(),
        name="transaction-stop",
    ),
    path(
        "api/transactions/<uuid:session_id>/live",
        driver_views.LiveView.as_view(),
        name="transaction-live",
    ),
    path(
        "api/transactions/<uuid:session_id>/live-ticket",
        driver_views.SessionTicketView.as_view(),
        name="transaction-live-ticket",
    ),
    path(
        "api/transactions/<uuid:session_id>/payment",
        driver_views.PaymentView.as_view(),
        name="transaction-payment",
    ),
    path(
        "api/transactions/user/<int:user_id>",
        driver_views.HistoryView.as_view(),
        name="transactions-of-user",
    ),
    path("api/reservations", reservation_views.ReservationsView.as_view(), name="reservations"),
    path(
        "api/reservations/<uuid:reservation_id>",
        reservation_views.ReservationView.as_view(),
        name="reservation",
    ),
    path(
        "api/transactions/authorize", views.AuthorizeView.as_view(), name="transactions-authorize"
    ),
    path(
        "api/transactions/<uuid:session_id>/summary",
        views.SummaryView.as_view(),
        name="transaction-summary",
    ),
    path(
        "api/chargepoints/<identity:identity>/pricing",
        views.PricingView.as_view(),
        name="chargepoint-pricing",
    ),
    path("api/tariffs/<key:tariff_id>", tariff_views.TariffView.as_view(), name="tariff"),
    path("transactions", views.ServiceTransactionsView.as_view(), name="service-transactions"),
    path(
        "transactions/<uuid:session_id>",
        views.ServiceTransactionView.as_view(),
        name="service-transaction",
    ),
]
